using Insa.Iiot.Storage.Postgres.Jobs;

namespace Insa.Iiot.Storage.Postgres.Tests;

public sealed class TierPartitionsTests(PostgresCluster cluster)
{
    [Theory]
    [InlineData(RetentionTier.Raw, null, "month")]
    [InlineData(RetentionTier.Raw, 7, "day")]
    [InlineData(RetentionTier.Minute, 69, "day")]
    [InlineData(RetentionTier.Minute, 70, "week")]
    [InlineData(RetentionTier.Hour, 310, "month")]
    [InlineData(RetentionTier.Hour, 36_500, "month")]
    [InlineData(RetentionTier.Day, 3_650, "month")]
    [InlineData(RetentionTier.Day, 3_660, "year")]
    [InlineData(RetentionTier.Day, null, "year")]
    public void A_partition_is_no_wider_than_a_tenth_of_what_is_kept(RetentionTier tier, int? days, string width) =>
        Assert.Equal(width, TierPartitions.WidthOf(tier, days is { } keep ? TimeSpan.FromDays(keep) : null));

    [Fact]
    public async Task New_partitions_take_what_those_there_are_leave()
    {
        await using var store = await PostgresStore.MakeAsync(cluster);
        foreach (
            var (at, width) in ((string, string)[])
                [
                    ("2026-05-05", "month"),
                    ("2026-06-03", "week"),
                    ("2026-04-30", "week"),
                    ("2026-05-31", "day"),
                    ("2026-06-10", "day"),
                    ("2026-06-09", "month"),
                ]
        )
            await store.QueryAsync($"select iiot_data.ensure_chunk_partition('{at} 13:00+00', '{width}')");
        Assert.Equal(
            "0427-0501 0501-0601 0601-0608 0608-0610 0610-0611",
            await store.QueryAsync(
                """
                select string_agg(to_char(starts at time zone 'UTC', 'MMDD') || '-' || to_char(ends at time zone 'UTC', 'MMDD'), ' ' order by starts)
                from iiot_data.partitions('iiot_data.telemetry_chunk')
                """
            )
        );
    }
}
