"""GPT-2 mini beside Llama mini on one text: what a smaller cache costs, and a row put elsewhere."""
