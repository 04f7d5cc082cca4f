"""The app in a checkout: `streamlit run app.py` serves it, and so does any ASGI server.

An installed package has the same in `kvviz.ui.app`. Streamlit looks for the call of `st.App` in the
text of this file, so an app that is only imported would not be found.
"""

import streamlit as st

from kvviz.ui.app import AROUND, ROUTER

app = st.App(ROUTER, **AROUND)
