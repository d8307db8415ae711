"""The web server of the page, which asks nothing of other machines."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from mmseg_gdn.utils import InputError

if TYPE_CHECKING:  # importing it takes seconds
    from .models import NamedModel

_LARGEST_FILE = '100mb'
_SECONDS_TO_END = 1  # for answers that are being sent; browsers keep a connection open for good
_LOOPBACK = ('127.', '::1')


def listen(host: str, port: int) -> socket.socket:
    """Take a port, before anything is loaded.

    Args:
        host: Address or name of the network interface.
        port: The port; 0 for any free one.

    Returns:
        The socket, which accepts connections.

    Raises:
        InputError: If the port is in use or not allowed, or if the address is not one of this machine.
    """
    try:
        # Not with the port, which would be taken modulo 65536.
        family, *_, address = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0]
        return socket.create_server((address[0], port), family=family)
    # Python reports a port above 65535 by OverflowError, and a name that is no host's by OSError or UnicodeError.
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, 'strerror', None) or error
        raise InputError(
            f'Cannot listen on port {port} of {host} ({reason}); name another port with --port, 0 for any '
            'free one, or another address with --host.'
        ) from error


def address_of(listening: socket.socket) -> str:
    """The address to open in a browser.

    Args:
        listening: What :func:`listen` has returned.
    """
    host, port = listening.getsockname()[:2]
    return f'http://[{host}]:{port}' if ':' in host else f'http://{host}:{port}'


def is_for_this_machine_only(listening: socket.socket) -> bool:
    """Whether other machines cannot reach it.

    Args:
        listening: What :func:`listen` has returned.
    """
    return listening.getsockname()[0].startswith(_LOOPBACK)


def serve(listening: socket.socket, models: Sequence[NamedModel], longest_side: int, note: str = '') -> None:
    """Serve the page until Ctrl-C or SIGTERM, which are passed on when it has ended.

    Args:
        listening: What :func:`listen` has returned; closed at the end.
        models: One model, or two to be shown side by side.
        longest_side: What width and height of a photograph are reduced to at most, in pixels.
        note: What visitors should know about the models, in a sentence.
    """
    with closing(listening), _private_gradio():
        import gradio as gr
        import uvicorn
        from fastapi import FastAPI

        from .page import STYLE, THEME, WORDS, build_page

        app = gr.mount_gradio_app(
            FastAPI(openapi_url=None),
            build_page(models, longest_side, note),
            path='/',
            footer_links=[],
            run_history=False,
            max_file_size=_LARGEST_FILE,
            ssr_mode=False,
            mcp_server=False,
            enable_monitoring=False,
            pwa=False,
            theme=THEME,
            css_paths=STYLE,
            i18n=gr.I18n(en=WORDS),
        )
        config = uvicorn.Config(app, log_level='warning', timeout_graceful_shutdown=_SECONDS_TO_END)
        uvicorn.Server(config).run(sockets=[listening])


@contextmanager
def _private_gradio() -> Iterator[None]:
    """Let Gradio, which reads its settings when it is imported, report to nobody and leave no files behind."""
    with tempfile.TemporaryDirectory(prefix='mmseg_gdn_page_') as folder:
        os.environ.update(
            GRADIO_ANALYTICS_ENABLED='False', GRADIO_TEMP_DIR=folder, HF_HUB_OFFLINE='1', HF_HUB_DISABLE_TELEMETRY='1'
        )
        yield
