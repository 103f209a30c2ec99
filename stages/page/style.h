/* style - how a page looks: on screen by day and night, on a phone, on paper. */
#ifndef PAGE_STYLE_H
#define PAGE_STYLE_H

extern const char style_text[];    /* text, tables, figures */
extern const char style_origins[]; /* cards and steps; small and large windows, paper */

#endif
