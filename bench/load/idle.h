/* idle: connections and nothing else; what each costs to open and to keep. */
static int idle(double connect_s, double connect_cpu, double gen_cpu) {
    pump_until(after(hold));
    long rss1 = rss_all();
    printf("{\"mode\":\"idle\",\"label\":\"%s\",\"n\":%d,\"connect_s\":%.3f,\"conn_per_s\":%.0f,\"hs_cpu_us\":%.1f,"
           "\"rss0_kb\":%ld,\"rss1_kb\":%ld,\"kb_per_conn\":%.2f,\"gen_util\":%.2f,\"closed\":%d}\n",
           label, N, connect_s, N / connect_s, connect_cpu * 1e6 / N, rss0, rss1, (rss1 - rss0) / (double)N,
           gen_cpu / connect_s, nclosed);
    return 0;
}

/* So that what a server compiles or caches while it serves its first clients is there: they come and go. */
static void warm_up(int total) {
    connect_all(total);
    pump_until_quiet();
    for (int i = 0; i < total; i++)
        shut(&C[i].w);
    nopen = 0;
    pump_until_quiet();
}
