// Where the server is, told to Streamlit's page before it starts. On a deep link it would otherwise
// try "<page>/_stcore" first and leave two failed requests in the console.
{
  const page = new RegExp("/(?:" + PAGES.join("|") + ")/?$");
  const base = location.origin + location.pathname.replace(page, "/");
  window.__streamlit = { BACKEND_BASE_URL: base, MAIN_PAGE_BASE_URL: base, ...window.__streamlit };
}
