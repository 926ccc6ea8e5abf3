"""Search as phones ask for it: hits from the names in memory, their products from PostgreSQL, in one statement for all
who ask at once. The products are as they are now, and so is the proof that the names still hold.
"""

from anyio import to_thread

from services.gateway.catalogue_words import CatalogueWords
from services.gateway.pool import Pool
from services.gateway.shared_reads import SharedRead
from shared.db.product_search import FoundProducts, Page, find_products, search_names, search_products
from shared.db.products import Product


class ProductFinder:
    """Answers searches. What PostgreSQL alone can answer is asked of it in a thread: codes, names that are not in
    memory or not any more, and queries that no word of the catalogue is near to."""

    def __init__(self, pool: Pool, words: CatalogueWords) -> None:
        self._pool, self._words = pool, words
        self._pages: SharedRead[Page, FoundProducts] = SharedRead(pool, find_products)

    async def find(self, query: str, limit: int, after: int) -> list[Product]:
        """A page of hits, best first; raises what the database raised."""
        names = self._words.names
        page = search_names(names, query, limit, after)
        if page is not None:
            found = await self._pages.find(page)
            if found is not None and found.names_version == names.version:
                return list(found.products)
        return await to_thread.run_sync(self._ask_postgres, query, limit, after)

    def _ask_postgres(self, query: str, limit: int, after: int) -> list[Product]:
        with self._pool.connection() as connection:
            return search_products(connection, query, limit, after, self._words.names.vocabulary)
