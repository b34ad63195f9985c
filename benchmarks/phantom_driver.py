"""Facts and articles of phantom-wiki, timed step by step. Runs in an environment of its own, with phantom-wiki and SWI-Prolog.

PYTHON benchmarks/phantom_driver.py --entities 10000
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from importlib.metadata import version

FAMILY = 50
"""People of a family tree, as in its own large examples."""


def main() -> None:
    """Generate, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entities", type=int, default=10_000)
    entities = parser.parse_args().entities
    from phantom_wiki.core.article import get_articles  # type: ignore[import-not-found]
    from phantom_wiki.facts import get_database  # type: ignore[import-not-found]
    from phantom_wiki.facts.attributes import db_generate_attributes  # type: ignore[import-not-found]
    from phantom_wiki.facts.family import db_generate_family  # type: ignore[import-not-found]
    from phantom_wiki.facts.friends import db_generate_friendships  # type: ignore[import-not-found]

    database = get_database()
    start = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as directory:
        # seed 1, no duplicate names, no debugging, no pictures; depth and branching as by default
        db_generate_family(database, 1, False, False, directory, False, 5, 5, FAMILY, 0, -(-entities // FAMILY))
        db_generate_friendships(database, 3, 1, False, directory)
    db_generate_attributes(database, 1)
    generated = time.perf_counter(), time.process_time()
    articles = get_articles(database, database.get_person_names())
    written = time.perf_counter(), time.process_time()
    result = {
        "version": version("phantom-wiki"),
        "entities": len(articles),
        "facts": sum(len(facts) for _, facts in articles.values()),
        "documents": len(articles),
        "text_bytes": sum(len(article.encode()) for article, _ in articles.values()),
        "facts_seconds": generated[0] - start[0],
        "facts_cpu_seconds": generated[1] - start[1],
        "documents_seconds": written[0] - generated[0],
        "documents_cpu_seconds": written[1] - generated[1],
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
