cwlVersion: v1.2
class: CommandLineTool
label: One report of both results

hints:
  DockerRequirement:
    dockerPull: public.ecr.aws/docker/library/python:3.13-slim

requirements:
  ResourceRequirement:
    coresMin: 1
    ramMin: 1024
  InitialWorkDirRequirement:
    listing:
      - entryname: report.py
        entry: |
          import json
          import sys

          composition_path, kmers_path, title, top = sys.argv[1:]
          composition = json.load(open(composition_path))
          kmers = json.load(open(kmers_path))
          counts = kmers["counts"]
          # The count decides, then the alphabet: the same input always gives the same report.
          ranking = sorted(counts, key=lambda kmer: (-counts[kmer], kmer))
          result = {
              "title": title,
              "length": composition["length"],
              "gc_content": composition["gc_content"],
              "k": kmers["k"],
              "distinct_kmers": len(counts),
              "total_kmers": sum(counts.values()),
              "most_frequent": {kmer: counts[kmer] for kmer in ranking[: int(top)]},
          }
          with open("summary.json", "w") as output:
              json.dump(result, output, indent=2)

baseCommand: [python3, report.py]

inputs:
  composition:
    type: File
    inputBinding:
      position: 1
  kmers:
    type: File
    inputBinding:
      position: 2
  settings:
    type:
      type: record
      name: ReportSettings
      fields:
        - name: title
          type: string
          inputBinding:
            position: 3
        - name: top
          type: int
          inputBinding:
            position: 4

outputs:
  result:
    type: File
    outputBinding:
      glob: summary.json
