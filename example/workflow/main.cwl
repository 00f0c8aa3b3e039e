#!/usr/bin/env cwl-runner
cwlVersion: v1.2
class: Workflow
label: Length, composition and k-mers of a genome

doc: |
  Two steps read the same FASTA file and know nothing of each other; the third puts their results into one report.

inputs:
  sequence:
    type: File
    doc: FASTA with one sequence
  k:
    type: int
    doc: Length of the k-mers
  canonical:
    type: boolean
    doc: Whether a k-mer and its reverse complement count as one
  report:
    doc: What the report shows
    type:
      type: record
      name: ReportSettings
      fields:
        - name: title
          type: string
        - name: top
          type: int
          doc: How many of the most frequent k-mers

outputs:
  composition:
    type: File
    outputSource: measure/result
  kmers:
    type: File
    outputSource: count/result
  summary:
    type: File
    outputSource: write/result

steps:
  measure:
    run: tools/composition.cwl
    in:
      sequence: sequence
    out: [result]

  count:
    run: tools/kmers.cwl
    in:
      sequence: sequence
      k: k
      canonical: canonical
    out: [result]

  write:
    run: tools/report.cwl
    in:
      composition: measure/result
      kmers: count/result
      settings: report
    out: [result]
