"""What tags of Open Food Facts mean for us: the 14 allergens, food types, and readable names."""

from collections.abc import Collection

from services.operations.catalogue_row import ALLERGENS

# Tags of its allergen taxonomy, and beginnings of words by which free text is understood that the taxonomy lacks.
_ALLERGEN_TAGS = {allergen: {allergen} for allergen in ALLERGENS} | {"shellfish": {"crustaceans", "molluscs"}}
_ALLERGEN_WORDS = {
    "peanuts": "peanut erdnuss erdnüsse arachide cacahuète cacahuete",
    "gluten": "wheat rye barley oat spelt weizen roggen gerste hafer dinkel blé seigle orge avoine trigo",
    "crustaceans": "crustacean shrimp prawn crab lobster garnele krebs crevette crustacé",
    "eggs": "egg hühnerei eigelb œuf oeuf huevo",
    "fish": "fish fisch poisson pescado anchov salmon tuna lachs",
    "soybeans": "soy soja",
    "milk": "milk milch lait leche latte whey molke lactos laktose cheese käse fromage casein",
    "nuts": "nut almond hazelnut walnut cashew pecan pistachio mandel haselnuss walnuss noisette amande",
    "celery": "celer sellerie céleri",
    "mustard": "mustard senf moutarde mostaza",
    "sesame-seeds": "sesam sésame",
    "sulphur-dioxide-and-sulphites": "sulphit sulfit sulphur sulfur schwefel",
    "lupin": "lupin",
    "molluscs": "mollus mussel oyster squid muschel",
}
# In the taxonomy (for Japan and others), but not among the 14: understood, and left out. "none" says there are none.
_OTHER_ALLERGENS = frozenset(
    {"none", "apple", "banana", "beef", "chicken", "gelatin", "kiwi", "matsutake", "orange", "peach", "pork", "yam"}
)

_FOOD_TYPE_LABELS = {
    "Organic": {"organic", "eu-organic", "usda-organic", "ab-agriculture-biologique", "bio", "de-oko-001"},
    "Vegetarian": {"vegetarian", "european-vegetarian-union", "european-vegetarian-union-vegetarian"},
    "Vegan": {"vegan", "the-vegan-society", "european-vegetarian-union-vegan", "certified-vegan"},
    "Kosher": {"kosher", "orthodox-union-kosher", "kosher-parve", "kosher-dairy", "kof-k-kosher"},
    "Halal": {"halal", "certified-halal"},
    "Gluten-free": {"no-gluten", "gluten-free", "crossed-grain-trademark", "dzg-gluten-free"},
    "Lactose-free": {"no-lactose", "lactose-free"},
}
# What the analysis of the ingredients rules out. "maybe" and "unknown" neither give nor take a food type.
_RULED_OUT = {"non-vegan": {"Vegan"}, "non-vegetarian": {"Vegan", "Vegetarian"}}

CATEGORIES_THAT_SAY_LITTLE = frozenset(
    {
        "en:plant-based-foods-and-beverages",
        "en:plant-based-foods",
        "en:plant-based-beverages",
        "en:groceries",
        "en:foods",
        "en:food",
        "en:snacks",
        "en:cereals-and-potatoes",
        "en:fruits-and-vegetables-based-foods",
        "en:canned-foods",
        "en:farming-products",
        "en:fresh-foods",
        "en:undefined",
        "en:unknown",
    }
)


def allergens_of_tags(tags: Collection[str]) -> tuple[frozenset[str], bool]:
    """Allergens that the tags name, and whether every tag was understood; one that was not may name another."""
    found: set[str] = set()
    are_all_understood = True
    for tag in tags:
        name = tag.partition(":")[2] or tag
        meant = _ALLERGEN_TAGS.get(name) or _allergens_of_words(name.split("-"))
        found |= meant
        are_all_understood = are_all_understood and (bool(meant) or name in _OTHER_ALLERGENS)
    return frozenset(found), are_all_understood


def _allergens_of_words(words: Collection[str]) -> set[str]:
    return {
        allergen
        for allergen, beginnings in _ALLERGEN_WORDS.items()
        if any(word.startswith(tuple(beginnings.split())) for word in words)
    }


def food_types_of_tags(labels: Collection[str], analysis: Collection[str]) -> frozenset[str]:
    """Food types that labels or the analysis of the ingredients state and none rules out."""
    names = {tag.partition(":")[2] or tag for tag in labels}
    analysed = {tag.partition(":")[2] or tag for tag in analysis}
    found = {food_type for food_type, tags in _FOOD_TYPE_LABELS.items() if names & tags}
    found |= {name.capitalize() for name in analysed & {"vegan", "vegetarian"}}
    if "Vegan" in found:
        found.add("Vegetarian")
    for name in analysed & _RULED_OUT.keys():
        found -= _RULED_OUT[name]
    return frozenset(found)


def words_of_tag(tag: str) -> str:
    """`en:sweet-snacks` as "Sweet snacks"."""
    name = (tag.partition(":")[2] or tag).replace("-", " ").strip()
    return name[:1].upper() + name[1:]
