version 1.0

workflow Nothing {
  input {
    Int integer
  }
}
