"""What executes a run: the port, a simulation, and cwltool."""
