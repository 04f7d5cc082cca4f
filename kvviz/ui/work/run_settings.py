"""What is run: a model, a prompt, and how the next token is chosen."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from kvviz.errors import PromptError
from kvviz.lessons import lessons
from kvviz.trace import Conversation
from kvviz.trace.conversation import NO_CONVERSATION
from kvviz.translation import gettext as _
from kvviz.ui.shell.links import LinkFields, Reader, decimal, text_up_to, whole
from kvviz.ui.work.branch_path import NO_BRANCH, BranchPath, branch_reader
from kvviz.ui.work.keeping import EVERY_ROW, keeping_reader

LONGEST_PROMPT = 20_000
LONGEST_MODEL = 300
LARGEST_SEED = 2**32 - 1


@dataclass(frozen=True)
class RunSettings:
    """What is run.

    Attributes:
        model: Bundled name, hub id or folder.
        prompt: Text to continue, as typed; the usual one where there is a conversation.
        new: Tokens to generate.
        temperature: 0 for the most likely token.
        top_k: Keep only so many most likely tokens; None for all.
        top_p: Keep the smallest set with this much probability; None for all.
        seed: Seed of the sampling.
        device: Where to run; no part of a link, since it depends on the machine.
        dtype: Number format, ``auto`` as for `kvviz.engine.load_model`; no part of a link either.
        chat: The conversation to go on with, in place of a prompt.
        cache: How rows are kept, in the words of `kvviz.ui.work.keeping`.
        branch: The way from that run to a branch of it, which is what is shown.
    """

    model: str = "kvviz/gpt2-mini"
    prompt: str = field(default_factory=lambda: lessons().prompts[0].text)
    new: int = 16
    temperature: float = 0.0
    top_k: int | None = None
    top_p: float | None = None
    seed: int = 0
    device: str = "auto"
    dtype: str = "auto"
    chat: Conversation = NO_CONVERSATION
    cache: str = EVERY_ROW
    branch: BranchPath = NO_BRANCH

    @property
    def is_plain(self) -> bool:
        """Whether it is a run of its own that keeps every row."""
        return self.cache == EVERY_ROW and not self.branch

    @property
    def beside(self) -> RunSettings | None:
        """The run that it is set beside.

        Of a branch the one that it leaves, of another way of keeping rows that with every row; None
        of a plain one.
        """
        if self.branch:
            return replace(self, branch=self.branch.parent)
        return None if self.is_plain else replace(self, cache=EVERY_ROW)

    @property
    def plain(self) -> RunSettings:
        """The plain run of the same prompt."""
        return replace(self, branch=NO_BRANCH, cache=EVERY_ROW)

    @property
    def asked(self) -> str | Conversation:
        """What the model is to go on from."""
        return self.chat or self.prompt

    @property
    def typed(self) -> str:
        """The same as text, as it stands in a link."""
        return str(self.asked)


def conversation() -> Reader:
    """Return a reader of conversations, a list of turns in JSON."""

    def read(text: str) -> Conversation:
        if len(text) > LONGEST_PROMPT:
            raise ValueError
        try:
            return Conversation.from_json(text)
        except PromptError as error:
            raise ValueError from error

    return Reader(read, lambda: _("a conversation: a list of turns, each with role and content"))


def run_fields(max_new_tokens: int = 1024) -> LinkFields[RunSettings]:
    """Return what of a run stands in a link, which may ask for so many new tokens."""
    return LinkFields(
        RunSettings(),
        {
            "model": text_up_to(LONGEST_MODEL),
            "prompt": text_up_to(LONGEST_PROMPT),
            "chat": conversation(),
            "new": whole(1, max_new_tokens),
            "temperature": decimal(0.0, 10.0),
            "top_k": whole(1, 1_000_000),
            "top_p": decimal(0.0, 1.0, open_below=True),
            "seed": whole(0, LARGEST_SEED),
            "cache": keeping_reader(),
            "branch": branch_reader(),
        },
    )
