version 1.0

workflow Nothing {
  input {
    String name
    String? reads
  }
}
