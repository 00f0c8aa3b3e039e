cwlVersion: v1.2
class: CommandLineTool
label: Length and base composition

hints:
  DockerRequirement:
    dockerPull: public.ecr.aws/docker/library/python:3.13-slim

requirements:
  ResourceRequirement:
    coresMin: 1
    ramMin: 1024
  InitialWorkDirRequirement:
    listing:
      - entryname: composition.py
        entry: |
          import json
          import sys

          header, *lines = open(sys.argv[1]).read().split("\n")
          if not header.startswith(">") or any(line.startswith(">") for line in lines):
              sys.exit("expected FASTA with one sequence")
          sequence = "".join(lines).upper()
          unknown = sorted(set(sequence) - set("ACGTN"))
          if unknown:
              sys.exit("not a nucleotide sequence, it has {}".format(", ".join(unknown)))
          counts = {base: sequence.count(base) for base in "ACGTN"}
          known = len(sequence) - counts["N"]
          result = {
              "length": len(sequence),
              "gc_content": round((counts["G"] + counts["C"]) / known, 6),
              "bases": counts,
          }
          with open("composition.json", "w") as output:
              json.dump(result, output, indent=2)

baseCommand: [python3, composition.py]

inputs:
  sequence:
    type: File
    inputBinding:
      position: 1

outputs:
  result:
    type: File
    outputBinding:
      glob: composition.json
