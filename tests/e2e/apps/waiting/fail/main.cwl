cwlVersion: v1.2
class: CommandLineTool
baseCommand: [sh, -c, "echo the data is broken >&2; exit 3"]
inputs: []
outputs: []
