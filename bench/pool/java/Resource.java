// SPDX-License-Identifier: MIT

/** What is leased: its owner is written by whoever has it, so that two would be noticed. */
final class Resource {
    volatile int owner; // read and written through Frame.OWNER, as cheaply as in the other languages
    int password;
    long a, b, c, d, e, f, g, h, i, j, k, l, m, n; // no two share a cache line
}
