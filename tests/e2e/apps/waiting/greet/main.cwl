cwlVersion: v1.2
class: CommandLineTool
baseCommand: echo
inputs:
  greeting: { type: string, inputBinding: {} }
outputs:
  said: stdout
stdout: said.txt
