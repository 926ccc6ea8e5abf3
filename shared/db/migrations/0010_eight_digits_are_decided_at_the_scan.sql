-- Eight digits whose check digit fits an EAN-8 were kept as the UPC-A that they would be as a UPC-E: a shop's own EAN-8
-- then stood for another maker's product. They become the EAN-8, as an import makes them; what nobody else has, moves.
CREATE TEMPORARY TABLE eight_digits ON COMMIT DROP AS
SELECT product_id, gtin AS upc_a, lpad(barcode, 14, '0') AS ean_8
FROM product
WHERE barcode ~ '^0[0-9]{7}$' AND gtin <> lpad(barcode, 14, '0')
  AND (3 * (substr(barcode, 1, 1)::int + substr(barcode, 3, 1)::int + substr(barcode, 5, 1)::int
            + substr(barcode, 7, 1)::int)
       + substr(barcode, 2, 1)::int + substr(barcode, 4, 1)::int + substr(barcode, 6, 1)::int
       + substr(barcode, 8, 1)::int) % 10 = 0
  AND NOT EXISTS (SELECT FROM product_code c
                  WHERE c.code = lpad(product.barcode, 14, '0') AND c.product_id <> product.product_id);

DELETE FROM product_code c USING eight_digits e WHERE c.product_id = e.product_id AND c.code = e.upc_a;
INSERT INTO product_code (code, product_id) SELECT ean_8, product_id FROM eight_digits ON CONFLICT (code) DO NOTHING;
UPDATE product p SET gtin = e.ean_8 FROM eight_digits e WHERE p.product_id = e.product_id;
