cwlVersion: v1.2
class: CommandLineTool
label: k-mer counts

hints:
  DockerRequirement:
    dockerPull: public.ecr.aws/docker/library/python:3.13-slim

requirements:
  ResourceRequirement:
    coresMin: 1
    ramMin: 1024
  InitialWorkDirRequirement:
    listing:
      - entryname: kmers.py
        entry: |
          import json
          import sys
          from collections import Counter

          path, k, canonical = sys.argv[1], int(sys.argv[2]), "--canonical" in sys.argv
          sequence = "".join(open(path).read().split("\n")[1:]).upper()
          if not 1 <= k <= len(sequence):
              sys.exit("k must be from 1 to the sequence's length {}, got {}".format(len(sequence), k))
          complement = str.maketrans("ACGT", "TGCA")


          def counted(kmer):
              return min(kmer, kmer.translate(complement)[::-1]) if canonical else kmer


          kmers = (sequence[i : i + k] for i in range(len(sequence) - k + 1))
          counts = Counter(counted(kmer) for kmer in kmers if "N" not in kmer)
          result = {"k": k, "canonical": canonical, "counts": dict(sorted(counts.items()))}
          with open("kmers.json", "w") as output:
              json.dump(result, output, indent=2)

baseCommand: [python3, kmers.py]

inputs:
  sequence:
    type: File
    inputBinding:
      position: 1
  k:
    type: int
    inputBinding:
      position: 2
  canonical:
    type: boolean
    inputBinding:
      position: 3
      prefix: --canonical

outputs:
  result:
    type: File
    outputBinding:
      glob: kmers.json
