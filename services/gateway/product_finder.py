"""Search as phones ask for it: hits from the names in memory, their products from PostgreSQL, in one statement for all
who ask at once. The products are as they are now, and so is the proof that the names still hold.
"""

from collections.abc import Callable

from anyio import to_thread

from services.gateway.catalogue_words import CatalogueWords
from services.gateway.pool import Pool
from services.gateway.shared_reads import SharedRead
from shared.db.product_search import FoundProducts, Page, find_products, search_names, search_products, search_roughly
from shared.db.products import Product
from shared.db.types import Tx
from shared.domain.name_search import hits_needed, page_of
from shared.domain.spelling import Vocabulary

Search = Callable[[Tx, str, int, int, Vocabulary], list[Product]]


class ProductFinder:
    """Answers searches. What PostgreSQL alone can answer is asked of it in a thread: codes, names that are not in
    memory or not any more, and queries that no word of the catalogue is near to."""

    def __init__(self, pool: Pool, words: CatalogueWords) -> None:
        self._pool, self._words = pool, words
        self._pages: SharedRead[Page, FoundProducts] = SharedRead(pool, find_products)

    async def find(self, query: str, limit: int, after: int) -> list[Product]:
        """A page of hits, best first; raises what the database raised."""
        names = self._words.names
        hits = search_names(names, query, hits_needed(limit, after))
        search = search_products
        if hits is not None:
            found = await self._pages.find(tuple(page_of(hits, limit, after)))
            if found is not None and found.names_version == names.version:
                if hits:
                    return list(found.products)
                search = search_roughly
        return await to_thread.run_sync(self._ask_postgres, search, query, limit, after)

    def _ask_postgres(self, search: Search, query: str, limit: int, after: int) -> list[Product]:
        with self._pool.connection() as connection:
            return search(connection, query, limit, after, self._words.names.vocabulary)
