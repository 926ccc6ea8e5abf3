"""Promotions: the file that a price department writes, and the engine that finds what a trip costs least.

Pure: the store's time, coupons and loyalty are handed in. What each discount is, and how ties end, is told in `engine`.
"""

from shared.domain.promotions.book import Book, Promotion
from shared.domain.promotions.engine import Discount, PricedTrip, price_trip
from shared.domain.promotions.file import FileError, PromotionFile, read_promotions
from shared.domain.promotions.missing import Missing, missing_for_next
from shared.domain.promotions.trip import Line, Trip

__all__ = [
    "Book",
    "Discount",
    "FileError",
    "Line",
    "Missing",
    "PricedTrip",
    "Promotion",
    "PromotionFile",
    "Trip",
    "missing_for_next",
    "price_trip",
    "read_promotions",
]
