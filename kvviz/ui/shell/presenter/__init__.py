"""The presenter view: a page for the back row, one idea a screen, gone through with a clicker."""
