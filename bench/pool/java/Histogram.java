// SPDX-License-Identifier: MIT

/** Waiting times, in sixteenths of each power of two. */
final class Histogram {
    long count, max;
    private final int[] buckets = new int[1024];

    void add(long nanos) {
        int bucket = (int) nanos;
        if (nanos >= 16) {
            int top = 63 - Long.numberOfLeadingZeros(nanos);
            bucket = (top - 3) * 16 + (int) (nanos >> (top - 4) & 15);
        }
        count++;
        buckets[bucket]++;
        max = Math.max(max, nanos);
    }

    void merge(Histogram from) {
        count += from.count;
        max = Math.max(max, from.max);
        for (int i = 0; i < buckets.length; i++)
            buckets[i] += from.buckets[i];
    }

    long at(double share) {
        long wanted = (long) (count * share), seen = 0;
        for (int i = 0; i < buckets.length; i++) {
            seen += buckets[i];
            if (seen > wanted)
                return i < 16 ? i : (16L + i % 16) << (i / 16 - 1);
        }
        return max;
    }
}
