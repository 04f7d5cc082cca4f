"""At which place new tokens are said to stand once rows before them have gone."""
