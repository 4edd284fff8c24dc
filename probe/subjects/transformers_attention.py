"""The attention modules of Hugging Face transformers, known by the names of their submodules.

They are known by structure and not by class, so that the several hundred models built of the same
parts need no entry of their own; a module that has the parts and computes something else (a gate, a
second softmax) does not reproduce its output and is refused by the check.
"""

from __future__ import annotations

from .projected_attention import projected_attention

# Tried in order; the more particular stand before the more general.
TRANSFORMERS = (
    # weights only on request, and the tuple is shorter without them
    projected_attention("MPNet", children=("q", "k", "v", "o"), value="v", out="o", unasked="drop"),
    # returns (output, position_bias, weights)
    projected_attention("T5", children=("q", "k", "v", "o"), value="v", out="o", weights=2),
    projected_attention(
        "ALBERT",
        children=("query", "key", "value", "dense", "LayerNorm"),
        value="value",
        out="dense",
        after=("LayerNorm",),
    ),
    # ViLT, VisualBERT, FLAVA, LXMERT
    projected_attention(
        "BERT, weights on request",
        children=("query", "key", "value"),
        value="value",
        unasked="drop",
    ),
    # BERT, RoBERTa, ELECTRA, BridgeTower, Q-Former: the output projection is the parent's
    projected_attention("BERT", children=("query", "key", "value"), value="value"),
    projected_attention(
        "DeBERTa-v2",
        children=("query_proj", "key_proj", "value_proj"),
        value="value_proj",
        unasked="none",
    ),
    projected_attention(
        "DistilBERT", children=("q_lin", "k_lin", "v_lin", "out_lin"), value="v_lin", out="out_lin"
    ),
    # Llama, Mistral, Qwen, Gemma, ViT, Swin; key and value heads may be fewer than query heads
    projected_attention(
        "Llama", children=("q_proj", "k_proj", "v_proj", "o_proj"), value="v_proj", out="o_proj"
    ),
    # BART, CLIP, SigLIP, OPT, Whisper
    projected_attention(
        "BART", children=("q_proj", "k_proj", "v_proj", "out_proj"), value="v_proj", out="out_proj"
    ),
    projected_attention(
        "Phi", children=("q_proj", "k_proj", "v_proj", "dense"), value="v_proj", out="dense"
    ),
    projected_attention(
        "Phi-3", children=("qkv_proj", "o_proj"), value="qkv_proj", out="o_proj", packing="blocks"
    ),
    projected_attention(
        "GPT-2, cross",
        children=("c_attn", "q_attn", "c_proj"),
        value="c_attn",
        out="c_proj",
        packing="key_value",
        after=("resid_dropout",),
    ),
    projected_attention(
        "GPT-2",
        children=("c_attn", "c_proj"),
        value="c_attn",
        out="c_proj",
        packing="blocks",
        after=("resid_dropout",),
    ),
    projected_attention(
        "GPT-NeoX",
        children=("query_key_value", "dense"),
        value="query_key_value",
        out="dense",
        packing="heads",
    ),
    projected_attention(
        "ModernBERT",
        children=("Wqkv", "Wo"),
        value="Wqkv",
        out="Wo",
        packing="blocks",
        after=("out_drop",),
    ),
    projected_attention(
        "BLIP", children=("qkv", "projection"), value="qkv", out="projection", packing="blocks"
    ),
)
