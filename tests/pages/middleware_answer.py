"""What a middleware that stands before Streamlit answers, asked without a server."""

import asyncio


def answer_of(middleware, path, *, method="GET", query=b"", root_path="", headers=()):
    """Return code, headers and body of a middleware's answer, or None if the request goes through.

    Args:
        middleware: Its class.
        path: What is asked for.
        method: Of the request.
        query: Likewise.
        root_path: Where the app is mounted.
        headers: Of the request, pairs of bytes.
    """
    sent = []

    async def served(scope, receive, send):
        pass

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query,
        "root_path": root_path,
        "headers": headers,
    }
    asyncio.run(middleware(served)(scope, None, send))
    if not sent:
        return None
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]
