"""The app: the only home of Streamlit."""
