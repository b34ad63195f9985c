"""Croissant 1.1 metadata (https://docs.mlcommons.org/croissant) of corpora, as plain JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import pyarrow as pa

from medsafetyworld.corpus.columns import SCHEMA

_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The standard's own context, which readers compare with theirs."""
_PARQUET = "application/x-parquet"


def croissant(corpora: Mapping[str, tuple[str, dict[str, Any]]], columns: Mapping[str, str], title: str) -> dict[str, Any]:
    """Return the metadata of corpora: every shard with its hash, and a record set of documents for each corpus.

    Args:
        corpora: name of each corpus -> (path from the metadata to it, its manifest).
        columns: what each column holds.
        title: name of the whole.
    """
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": title,
        "description": "Invented medical facts, written by the Python package medsafetyworld to compare data filtering with safety "
        "reflections in language model pretraining. Nothing in them is medical knowledge.",
        "version": version("medsafetyworld"),
        "citeAs": "The MedSafetyWorld developers. MedSafetyWorld: a formal world for comparing data filtering with safety reflections in "
        "pretraining.",
        "license": "https://www.apache.org/licenses/LICENSE-2.0",
        "distribution": [entry for name, (path, manifest) in corpora.items() for entry in _files(name, path, manifest)],
        "recordSet": [_documents(name, columns) for name in corpora],
    }


def _files(name: str, path: str, manifest: dict[str, Any]) -> list[dict[str, Any]]:
    shards = [
        {
            "@type": "cr:FileObject",
            "@id": path + shard["file"],
            "name": path + shard["file"],
            "contentUrl": path + shard["file"],
            "encodingFormat": _PARQUET,
            "sha256": shard["sha256"],
        }
        for shard in manifest["shards"]
    ]
    together = {"@type": "cr:FileSet", "@id": f"{name}-files", "name": f"{name}-files", "encodingFormat": _PARQUET}
    return [*shards, {**together, "includes": f"{path}data/*.parquet"}]


def _documents(name: str, columns: Mapping[str, str]) -> dict[str, Any]:
    fields = []
    for column in SCHEMA:
        kind, depth = column.type, 0
        while pa.types.is_list(kind):
            kind, depth = kind.value_type, depth + 1
        field = {
            "@type": "cr:Field",
            "@id": f"{name}/{column.name}",
            "name": column.name,
            "description": columns[column.name],
            "dataType": "sc:Text" if pa.types.is_string(kind) else "sc:Boolean" if pa.types.is_boolean(kind) else "sc:Integer",
            "source": {"fileSet": {"@id": f"{name}-files"}, "extract": {"column": column.name}},
        }
        if depth:
            field |= {"isArray": True, "arrayShape": ",".join(["-1"] * depth)}
        fields.append(field)
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "description": f"Documents of {name}, a row each.", "field": fields}
