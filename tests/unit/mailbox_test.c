/* SPDX-License-Identifier: MIT */
/* The mailbox: order, threads, and what is left when it is freed. */
#include "test.h"

#include <pthread.h>
#include <stdlib.h>

#include <event2/event.h>

#include "mailbox.h"

#define SENDERS 4
#define LETTERS 5000 /* of each sender */

struct letter {
    struct mail mail;
    struct mailbox *mailbox;
    unsigned sender, number;
};

static struct letter letters[SENDERS][LETTERS];
static unsigned next_of[SENDERS], opened;
static bool in_order;
static struct event_base *base;

static void open_letter(struct mail *mail)
{
    struct letter *letter = list_entry(mail, struct letter, mail);

    in_order = in_order && letter->number == next_of[letter->sender];
    next_of[letter->sender] = letter->number + 1;
    opened++;
    if (opened == SENDERS * LETTERS)
        event_base_loopbreak(base);
}

static void prepare(struct mailbox *mailbox)
{
    opened = 0;
    in_order = true;
    for (unsigned i = 0; i < SENDERS; i++) {
        next_of[i] = 0;
        for (unsigned k = 0; k < LETTERS; k++)
            letters[i][k] = (struct letter){
                .mail.open = open_letter, .mailbox = mailbox, .sender = i, .number = k};
    }
}

static void *post_all(void *context)
{
    struct letter *mine = context;

    for (unsigned i = 0; i < LETTERS; i++)
        mailbox_post(mine[i].mailbox, &mine[i].mail);
    return NULL;
}

static void brings_everything_in_order(void)
{
    struct mailbox *mailbox;
    pthread_t threads[SENDERS];

    base = event_base_new();
    CHECK_INT(mailbox_new(&mailbox, base), 0);
    prepare(mailbox);
    for (unsigned i = 0; i < SENDERS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, post_all, letters[i]), 0);
    event_base_dispatch(base);
    for (unsigned i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(opened, SENDERS * LETTERS);
    CHECK(in_order);
    mailbox_free(&mailbox);
    CHECK(mailbox == NULL);
    event_base_free(base);
}

/* Nothing is opened by posting, nothing is lost by freeing. */
static void opens_what_is_left(void)
{
    struct mailbox *mailbox;

    base = event_base_new();
    CHECK_INT(mailbox_new(&mailbox, base), 0);
    prepare(mailbox);
    post_all(letters[0]);
    CHECK_INT(opened, 0);
    mailbox_free(&mailbox);
    CHECK_INT(opened, LETTERS);
    CHECK(in_order);
    event_base_free(base);
}

static void post_second(struct mail *mail)
{
    struct letter *first = list_entry(mail, struct letter, mail);

    opened++;
    mailbox_post(first->mailbox, &letters[1][0].mail);
}

/* Mail may be posted while mail is opened; also while the mailbox is being freed. */
static void takes_mail_while_opening(void)
{
    struct mailbox *mailbox;

    base = event_base_new();
    CHECK_INT(mailbox_new(&mailbox, base), 0);
    prepare(mailbox);
    letters[0][0].mail.open = post_second;
    mailbox_post(mailbox, &letters[0][0].mail);
    event_base_loop(base, EVLOOP_NONBLOCK);
    event_base_loop(base, EVLOOP_NONBLOCK);
    CHECK_INT(opened, 2);
    mailbox_post(mailbox, &letters[0][0].mail);
    mailbox_free(&mailbox);
    CHECK_INT(opened, 4);
    event_base_free(base);
}

TEST_MAIN(TEST(brings_everything_in_order), TEST(opens_what_is_left),
          TEST(takes_mail_while_opening))
