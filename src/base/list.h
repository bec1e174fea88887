/* SPDX-License-Identifier: MIT */
/*
 * Intrusive doubly linked list. A link belongs to at most one list; a link that belongs to none
 * points at itself, so that removing it twice does no harm.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

/* The struct that `link` is the member `member` of. */
#define list_entry(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

#define list_each(at, head) for (struct list *at = (head)->next; at != (head); at = at->next)

/* The body may remove `at`, and nothing else. */
#define list_each_safe(at, head)                                              \
    for (struct list *at = (head)->next, *at##_next = at->next; at != (head); \
         at = at##_next, at##_next = at->next)

static inline void list_init(struct list *list)
{
    list->next = list->prev = list;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

static inline void list_push_front(struct list *head, struct list *link)
{
    link->next = head->next;
    link->prev = head;
    head->next->prev = link;
    head->next = link;
}

static inline void list_push_back(struct list *head, struct list *link)
{
    list_push_front(head->prev, link);
}

static inline void list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

/* The first link, still in the list; NULL if it is empty. */
static inline struct list *list_first(const struct list *head)
{
    return list_empty(head) ? NULL : head->next;
}

static inline struct list *list_last(const struct list *head)
{
    return list_empty(head) ? NULL : head->prev;
}

/* Remove and return the first link; NULL if there is none. */
static inline struct list *list_pop_front(struct list *head)
{
    struct list *link = list_first(head);

    if (link != NULL)
        list_remove(link);
    return link;
}

/* Append all of `from` to `head`; `from` is empty afterwards. */
static inline void list_splice_back(struct list *head, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->prev = head->prev;
    from->prev->next = head;
    head->prev->next = from->next;
    head->prev = from->prev;
    list_init(from);
}

#endif
