cwlVersion: v1.2
class: CommandLineTool
baseCommand: cat
inputs:
  outputs_file: { type: File, inputBinding: {} }
outputs:
  seen: stdout
stdout: seen.json
