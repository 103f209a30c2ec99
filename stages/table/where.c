#include "table/where.h"

#include <stdbool.h>
#include <string.h>

#include "larder/banned.h"

const char *where_value(const struct records *r, size_t record, size_t row,
                        const char *name, struct error *err)
{
    const char *value = manifest_axis(&r->manifest, record, name);
    const struct tsv *t = &r->record[record].tsv;
    int column;

    if (value != NULL)
        return value;
    column = tsv_column(t, name, err);
    return column >= 0 ? tsv_get(t, row, column) : NULL;
}

int where_fits(const struct records *r, const struct names *conditions, size_t record,
               size_t row, struct error *err)
{
    for (size_t i = 0; i < conditions->n; i++) {
        const char *value = where_value(r, record, row, conditions->word[i], err);
        const char *wanted = conditions->printed[i];
        bool but = wanted[0] == '!';

        if (value == NULL)
            return E_INPUT;
        if ((strcmp(value, but ? wanted + 1 : wanted) == 0) == but)
            return 0;
    }
    return 1;
}
