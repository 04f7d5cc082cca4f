"""The app: `streamlit run app.py` serves it, and so does any ASGI server.

The pages are named in the router, which lies where no folder `pages/` is beside it: with one there,
Streamlit would run a page without the router on the first deep link after the start.
"""

import streamlit as st

from kvviz.ui.shell.asgi_middleware import middleware
from kvviz.ui.shell.errors_shown import on_script_error
from kvviz.ui.work.preload import lifespan

app = st.App(
    "kvviz/ui/shell/router.py",
    lifespan=lifespan,
    middleware=middleware(),
    on_script_error=on_script_error,
)
