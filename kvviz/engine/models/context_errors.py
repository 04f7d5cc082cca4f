"""What is said where a text, a prompt or a run does not fit into the positions that a model has."""

from __future__ import annotations

from kvviz.errors import ContextLengthError
from kvviz.trace import ModelCard
from kvviz.translation import gettext as _
from kvviz.translation import ngettext


def run_too_long(card: ModelCard, n_prompt: int, n_new: int) -> ContextLengthError:
    """Return the error of a prompt that leaves no room for so many new tokens."""
    room, longest = max(card.n_ctx - n_prompt, 0), card.n_ctx - n_new
    if room:
        fix = ngettext(
            "Ask for {n:,} new token or fewer, or shorten the prompt.",
            "Ask for {n:,} new tokens or fewer, or shorten the prompt.",
            room,
        ).format(n=room)
    elif longest > 0:
        fix = ngettext(
            "Shorten the prompt to {n:,} token.", "Shorten the prompt to {n:,} tokens.", longest
        ).format(n=longest)
    else:
        fix = ngettext(
            "Shorten the prompt, and ask for fewer than {n:,} new token.",
            "Shorten the prompt, and ask for fewer than {n:,} new tokens.",
            card.n_ctx,
        ).format(n=card.n_ctx)
    prompt = ngettext("{n:,} prompt token", "{n:,} prompt tokens", n_prompt).format(n=n_prompt)
    # Translators: new tokens, in "12 prompt tokens and 5 new ones make 17"
    new = ngettext("{n:,} new one", "{n:,} new ones", n_new).format(n=n_new)
    return ContextLengthError(
        _("Prompt and new tokens do not fit into the model's context."),
        found=_(
            "{prompt} and {new} make {total:,}; {model} has {positions}, which leaves room for "
            "{room}."
        ).format(
            prompt=prompt,
            new=new,
            total=n_prompt + n_new,
            model=card.name,
            positions=counted_positions(card),
            room=ngettext("{n:,} new token", "{n:,} new tokens", room).format(n=room),
        ),
        fix=fix,
    )


def prompt_too_long(card: ModelCard, n_prompt: int) -> ContextLengthError:
    """Return the error of a prompt that an encoder cannot read."""
    return ContextLengthError(
        _("The prompt does not fit into the model's context."),
        found=ngettext(
            "It has {n:,} token; {model} reads up to {n_ctx:,}.",
            "It has {n:,} tokens; {model} reads up to {n_ctx:,}.",
            n_prompt,
        ).format(n=n_prompt, model=card.name, n_ctx=card.n_ctx),
        fix=_shorten_by(n_prompt - card.n_ctx),
    )


def too_many_new(card: ModelCard, n_new: int, most: int) -> ContextLengthError:
    """Return the error of more new tokens than a decoder can write."""
    return ContextLengthError(
        _("So many new tokens do not fit into the model's context."),
        found=ngettext(
            "{n:,} was asked for; {model} writes up to {most:,}.",
            "{n:,} were asked for; {model} writes up to {most:,}.",
            n_new,
        ).format(n=n_new, model=card.name, most=most),
        fix=ngettext(
            "Ask for {n:,} new token or fewer.", "Ask for {n:,} new tokens or fewer.", most
        ).format(n=most),
    )


def text_too_long(card: ModelCard, n_tokens: int, n_special: int) -> ContextLengthError:
    """Return the error of a text that cannot be read, `n_special` of its tokens added to it."""
    if n_special:
        found = ngettext(
            "It has {n:,} token, {special} of them added around it; {model} has {positions}.",
            "It has {n:,} tokens, {special} of them added around it; {model} has {positions}.",
            n_tokens,
        )
    else:
        found = ngettext(
            "It has {n:,} token; {model} has {positions}.",
            "It has {n:,} tokens; {model} has {positions}.",
            n_tokens,
        )
    return ContextLengthError(
        _("The text does not fit into the model's context."),
        found=found.format(
            n=n_tokens, special=n_special, model=card.name, positions=counted_positions(card)
        ),
        fix=_shorten_by(n_tokens - card.n_ctx),
    )


def ids_too_long(card: ModelCard, n_ids: int, n_added: int) -> ContextLengthError:
    """Return the error of token ids that do not fit beside so many that will be added."""
    n_tokens, longest = n_ids + n_added, card.n_ctx - n_added
    if longest > 0:
        fix = ngettext("Shorten it to {n:,} token.", "Shorten it to {n:,} tokens.", longest).format(
            n=longest
        )
    else:
        fix = ngettext(
            "Shorten it, and let fewer than {n:,} token be added.",
            "Shorten it, and let fewer than {n:,} tokens be added.",
            n_added,
        ).format(n=n_added)
    return ContextLengthError(
        _("The text is too long for {model}.").format(model=card.name),
        found=ngettext(
            "It has {n:,} token, the model has {positions}.",
            "It has {n:,} tokens, the model has {positions}.",
            n_tokens,
        ).format(n=n_tokens, positions=counted_positions(card)),
        fix=fix,
    )


def counted_positions(card: ModelCard) -> str:
    """Return how many positions a model has, as a phrase."""
    return ngettext("{n:,} position", "{n:,} positions", card.n_ctx).format(n=card.n_ctx)


def _shorten_by(n_over: int) -> str:
    return ngettext(
        "Shorten it by {n:,} token or more.", "Shorten it by {n:,} tokens or more.", n_over
    ).format(n=n_over)
