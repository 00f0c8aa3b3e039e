cwlVersion: v1.2
class: CommandLineTool
baseCommand: [sleep, "361.25"]
inputs: []
outputs: []
