"""The tools of translation: what stands in the catalogues, and which sentences are not marked yet.

`make words` writes the catalogues; `python -m words check FOLDER` lists what is unmarked there.
"""
