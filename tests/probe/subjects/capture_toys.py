"""Small models of every shape that a capture may meet, and attention worked out by hand."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from probe.subjects.attention_kinds import AttentionKind, projected_attention

X = torch.linspace(-1, 1, 2 * 5 * 8).reshape(2, 5, 8)


class Mlp(nn.Module):
    """Two layers and an activation that writes into its input."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 6)
        self.act = nn.ReLU(inplace=True)
        self.second = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.act(self.first(x)))


class ParameterAttention(nn.Module):
    """Attention from one bare parameter, no submodule to watch; keeps its weights to itself."""

    def __init__(self, width: int = 8, heads: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Parameter(torch.randn(width, 3 * width) / math.sqrt(width))
        self.weights: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            y.unflatten(-1, (self.heads, -1)).transpose(1, 2) for y in (x @ self.qkv).chunk(3, -1)
        )
        self.weights = (q @ k.mT / math.sqrt(q.shape[-1])).softmax(-1)
        return (self.weights @ v).transpose(1, 2).flatten(2)


PARAMETER = AttentionKind(
    name="parameter attention",
    matches=lambda module: isinstance(module, ParameterAttention),
    pattern=lambda call: call.module.weights,
    value=lambda call, pattern: (
        (call.args[0] @ call.module.qkv.chunk(3, -1)[2])
        .unflatten(-1, (pattern.shape[1], -1))
        .transpose(1, 2)
    ),
    project=lambda call, context: context.transpose(1, 2).flatten(2),
)


class NamedAttention(nn.Module):
    """Attention with its own submodule names, a dropout on the weights and one on the result.

    ``factor`` is the lie: the weights that it returns are not those that it used.
    """

    def __init__(self, width: int = 8, heads: int = 2, p: float = 0.0, factor: float = 1.0) -> None:
        super().__init__()
        self.heads, self.factor = heads, factor
        self.to_q, self.to_k, self.to_v, self.mix = (nn.Linear(width, width) for _ in range(4))
        self.drop, self.last = nn.Dropout(p), nn.Dropout(p)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        q, k, v = (
            layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer in (self.to_q, self.to_k, self.to_v)
        )
        weights = self.drop((q @ k.mT / math.sqrt(q.shape[-1])).softmax(-1))
        output = self.last(self.mix((weights @ v).transpose(1, 2).flatten(2)))
        return output, weights * self.factor


NAMED = projected_attention(
    "named attention", classes=("NamedAttention",), value="to_v", out="mix", after=("last",)
)


class GroupedAttention(nn.Module):
    """Four query heads on two key and value heads, by the names that transformers uses."""

    def __init__(self) -> None:
        super().__init__()
        self.q_proj, self.o_proj = nn.Linear(8, 8, bias=False), nn.Linear(8, 8, bias=False)
        self.k_proj, self.v_proj = nn.Linear(8, 4, bias=False), nn.Linear(8, 4, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        q = self.q_proj(x).unflatten(-1, (4, 2)).transpose(1, 2)
        k, v = (
            p(x).unflatten(-1, (2, 2)).transpose(1, 2).repeat_interleave(2, 1)
            for p in (self.k_proj, self.v_proj)
        )
        weights = (q @ k.mT / math.sqrt(2)).softmax(-1)
        return self.o_proj((weights @ v).transpose(1, 2).flatten(2)), weights


class Fused(nn.Module):
    """Has the names of attention and gives no weights, as under a fused kernel."""

    def __init__(self, weights: object = None) -> None:
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (nn.Linear(4, 4) for _ in range(4))
        self.weights = weights

    def forward(self, x: Tensor) -> tuple[Tensor, object]:
        return self.o_proj(self.v_proj(x)), self.weights


class Twice(nn.Module):
    """One module under two names, called under both."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.encode, self.again = inner, inner

    def forward(self, x: Tensor) -> Tensor:
        return self.again(self.encode(x))


class Nested(nn.Module):
    """Containers in containers."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.ModuleDict(
                {"attn": nn.MultiheadAttention(8, 2), "ff": nn.Sequential(nn.Linear(8, 8))}
            )
            for _ in range(3)
        )

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = x + block["attn"](x, x, x, need_weights=False)[0]
            x = x + block["ff"](x)
        return x


class ManyOutputs(nn.Module):
    """Returns a dict; its parts return a tuple and a number."""

    class Pair(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor], int]:
            return x, [x + 1, x.long()], 7

    def __init__(self) -> None:
        super().__init__()
        self.pair = self.Pair()

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        first, (second, _), _ = self.pair(x)
        return {"first": first, "second": second}


class Raises(nn.Module):
    """Fails between its two layers while ``fail`` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.after = nn.Linear(8, 8), nn.Linear(8, 8)
        self.attn = nn.MultiheadAttention(8, 2)
        self.fail = True

    def forward(self, x: Tensor) -> Tensor:
        x = self.before(x)
        x = self.attn(x, x, x[..., : 3 if self.fail else 8])[0]
        return self.after(x)


class CrossAttention(nn.Module):
    """Queries of one width over keys and values of others."""

    def __init__(self) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(8, 2, kdim=5, vdim=6, batch_first=True)

    def forward(self, x: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        return self.attn(x, keys, values, None, False)[0]


class Causal(nn.Module):
    """Each position sees those before it."""

    def __init__(self) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(8, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        return self.attn(x, x, x, attn_mask=mask, is_causal=True, need_weights=False)[0]


class Seq2Seq(nn.Module):
    """Torch's own encoder and decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Transformer(8, 2, 1, 1, 16, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x, x[:, :3])


def by_hand(
    mha: nn.MultiheadAttention,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    blocked: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Weights, values and output of multi-head attention, head by head, in float64.

    softmax(Q K' / sqrt(d)) V (arXiv:1706.03762, eq. 1). Inputs (batch, seq, width); ``blocked``
    (batch, head, query, key) is True where a key may not be seen.
    """
    width, heads = mha.embed_dim, mha.num_heads
    d = width // heads
    if mha._qkv_same_embed_dim:
        w_q, w_k, w_v = mha.in_proj_weight.double().chunk(3)
    else:
        w_q, w_k, w_v = (
            w.double() for w in (mha.q_proj_weight, mha.k_proj_weight, mha.v_proj_weight)
        )
    bias = torch.zeros(3 * width) if mha.in_proj_bias is None else mha.in_proj_bias
    b_q, b_k, b_v = bias.double().chunk(3)
    patterns, values, outputs = [], [], []
    for n in range(query.shape[0]):
        q = query[n].double() @ w_q.T + b_q
        k = key[n].double() @ w_k.T + b_k
        v = value[n].double() @ w_v.T + b_v
        if mha.bias_k is not None and mha.bias_v is not None:
            k, v = torch.cat([k, mha.bias_k[0].double()]), torch.cat([v, mha.bias_v[0].double()])
        if mha.add_zero_attn:
            zero = torch.zeros(1, width, dtype=torch.float64)
            k, v = torch.cat([k, zero]), torch.cat([v, zero])
        rows, kept, joined = [], [], []
        for h in range(heads):
            part = slice(h * d, (h + 1) * d)
            scores = q[:, part] @ k[:, part].T / math.sqrt(d)
            if blocked is not None:
                seen = blocked[n, h]
                scores[:, : seen.shape[1]] = scores[:, : seen.shape[1]].masked_fill(seen, -math.inf)
            weights = scores.exp() / scores.exp().sum(1, keepdim=True)
            rows.append(weights)
            kept.append(v[:, part])
            joined.append(weights @ v[:, part])
        patterns.append(torch.stack(rows))
        values.append(torch.stack(kept))
        out = torch.cat(joined, 1) @ mha.out_proj.weight.double().T
        outputs.append(out if mha.out_proj.bias is None else out + mha.out_proj.bias.double())
    return torch.stack(patterns), torch.stack(values), torch.stack(outputs)


def hooks(model: nn.Module) -> int:
    """How many hooks the model carries, of every kind."""
    return sum(
        len(getattr(module, name))
        for module in model.modules()
        for name in (
            "_forward_hooks",
            "_forward_pre_hooks",
            "_forward_hooks_with_kwargs",
            "_forward_pre_hooks_with_kwargs",
            "_forward_hooks_always_called",
            "_backward_hooks",
        )
    )
