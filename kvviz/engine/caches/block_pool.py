"""Rows in blocks of equally many positions, which lie anywhere in one pool: paged attention."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from kvviz.engine.caches.protocol import RowsPlace


class BlockPool:
    """Blocks of key and value rows of some layers, each used by one table of blocks or by several.

    The pool grows as blocks are taken, and gives a block that nobody uses to the next who asks.

    Args:
        layers: How many layers its rows are of.
        place: What they are rows of, and where they live.
        block: Positions of a block.

    Attributes:
        block: As given.
        n_copies: Blocks that were copied, since somebody wrote where others read.

    Source: Kwon et al. (2023), “Efficient memory management for large language model serving with
    PagedAttention”, sections 4.1 and 4.3.
    """

    def __init__(self, layers: int, place: RowsPlace, block: int) -> None:
        card = place.card
        options: dict[str, Any] = {"dtype": place.dtype, "device": place.device}
        self.block = block
        shape = (0, 2, layers, card.n_kv_heads, block, card.d_head)
        self._rows = torch.empty(shape, **options)
        self._n_users: list[int] = []
        self.n_copies = 0

    @property
    def n_used(self) -> int:
        """How many blocks hold rows of somebody."""
        return sum(n > 0 for n in self._n_users)

    @property
    def n_shared(self) -> int:
        """How many blocks hold rows of several."""
        return sum(n > 1 for n in self._n_users)

    @property
    def block_bytes(self) -> int:
        """Bytes of one block, full or not."""
        return self._rows.element_size() * self._shape.numel()

    @property
    def n_bytes(self) -> int:
        """Bytes of all blocks that are used, each counted once."""
        return self.n_used * self.block_bytes

    @property
    def _shape(self) -> torch.Size:
        return self._rows.shape[1:]

    def n_users(self, block: int) -> int:
        """Return by how many tables a block is used."""
        return self._n_users[block]

    def take(self) -> int:
        """Return the number of a block that nobody used, for one who uses it from now on."""
        if 0 not in self._n_users:
            n_more = max(1, len(self._n_users))
            self._rows = torch.cat([self._rows, self._rows.new_empty((n_more, *self._shape))])
            self._n_users += [0] * n_more
        number = self._n_users.index(0)
        self._n_users[number] = 1
        return number

    def share(self, block: int) -> None:
        """Let one more use a block."""
        self._n_users[block] += 1

    def give_back(self, block: int) -> None:
        """Let one less use a block."""
        self._n_users[block] -= 1

    def to_write(self, block: int) -> int:
        """Return a block that one alone uses and that holds the same: a copy where it is shared."""
        if self._n_users[block] == 1:
            return block
        copy = self.take()
        self._rows[copy] = self._rows[block]
        self.n_copies += 1
        self.give_back(block)
        return copy

    def rows(self, block: int) -> Float[Tensor, "2 layer kv_head block d_head"]:
        """Return the rows of a block, to be written to."""
        return self._rows[block]

    def gathered(self, blocks: list[int]) -> Float[Tensor, "2 layer kv_head row d_head"]:
        """Return a copy of the rows of some blocks, one behind the other."""
        where = torch.tensor(blocks, dtype=torch.int64, device=self._rows.device)
        return self._rows.index_select(0, where).permute(1, 2, 3, 0, 4, 5).flatten(3, 4)


class BlockTable:
    """Which blocks of a pool hold the rows of one run, in the order of the text.

    It keeps rows as `RowStore` says, and changes none of them.

    Args:
        pool: Where the blocks lie.

    Attributes:
        pool: As given.
        blocks: Their numbers; the first holds the first row that is there.
        n_rows: Rows that were written, those that are gone among them.
    """

    n_changed = (0, 0)

    def __init__(self, pool: BlockPool) -> None:
        self.pool = pool
        self.blocks: list[int] = []
        self.n_rows = 0
        self._n_gone = 0

    @property
    def n_bytes(self) -> int:
        """Bytes of its blocks, the places at the end of the last that are still empty included."""
        return len(self.blocks) * self.pool.block_bytes

    def flops(self, start: int, stop: int, n_new: int) -> int:
        """Return 0: rows are copied."""
        return 0

    def add(self, rows: Float[Tensor, "2 layer kv_head row d_head"]) -> None:
        """Write rows behind the others: into the last block as far as it goes, then into new ones.

        A block that another table uses too is copied before.
        """
        size, done = self.pool.block, 0
        while done < rows.shape[-2]:
            number, place = divmod(self.n_rows, size)
            number -= self._n_gone
            if number == len(self.blocks):
                self.blocks.append(self.pool.take())
            elif self.pool.n_users(self.blocks[number]) > 1:
                self.blocks[number] = self.pool.to_write(self.blocks[number])
            n = min(size - place, rows.shape[-2] - done)
            room = self.pool.rows(self.blocks[number])
            room[..., place : place + n, :] = rows[..., done : done + n, :]
            done += n
            self.n_rows += n

    def read(self, start: int, stop: int) -> Float[Tensor, "2 layer kv_head row d_head"]:
        """Return a copy of the rows of some positions."""
        size = self.pool.block
        first, last = start // size, -(-stop // size)
        rows = self.pool.gathered(self.blocks[first - self._n_gone : last - self._n_gone])
        begin = start - first * size
        return rows[..., begin : begin + stop - start, :]

    def let_go(self, first: int) -> None:
        """Give back the blocks all of whose rows stand before a position."""
        n_gone = first // self.pool.block
        for block in self.blocks[: n_gone - self._n_gone]:
            self.pool.give_back(block)
        del self.blocks[: n_gone - self._n_gone]
        self._n_gone = n_gone

    def give_back(self) -> None:
        """Give back every block."""
        for block in self.blocks:
            self.pool.give_back(block)
        self.blocks.clear()

    def fork(self, n_rows: int) -> BlockTable:
        """Return a table of the same blocks, as far as they hold the first rows."""
        table = BlockTable(self.pool)
        table.blocks = self.blocks[: -(-n_rows // self.pool.block)]
        table.n_rows = n_rows
        for block in table.blocks:
            self.pool.share(block)
        return table
