namespace Insa.Iiot.Storage.Postgres.Tests.Isolation;

/// <summary>What can be had by any SQL over a connection of background jobs.</summary>
public sealed class JobsRoleTests(TwoTenants data) : IClassFixture<TwoTenants>
{
    [Theory]
    [InlineData("iiot.device")]
    [InlineData("iiot.certificate")]
    [InlineData("iiot.dead_letter")]
    public async Task Credentials_and_payloads_are_none_of_its_business(string table)
    {
        await using var jobs = await RawConnection.OpenAsync(data.Store.Database.Jobs, data.MineNo);
        foreach (
            var sql in (string[])
                [
                    $"select from {table}",
                    $"copy {table} to stdout",
                    $"delete from {table}",
                    $"update {table} set tenant_no = 1",
                    await data.InsertAsync(table, data.MineNo),
                ]
        )
            Assert.Equal(RawConnection.Refused, (await jobs.TryAsync(sql)).Refusal?.SqlState);
    }

    [Fact]
    public async Task It_reads_the_telemetry_of_all_tenants_and_changes_no_name_or_number()
    {
        await using var jobs = await RawConnection.OpenAsync(data.Store.Database.Jobs);
        Assert.Equal(2L, await jobs.ScalarAsync("select count(distinct tenant_no) from iiot_data.telemetry_frame"));
        foreach (var table in (string[])["tenant", "telemetry_device", "telemetry_metric", "telemetry_layout", "telemetry_stream"])
        {
            Assert.Equal(2L, await jobs.ScalarAsync($"select count(distinct tenant_no) from iiot.{table}"));
            Assert.Equal(RawConnection.Refused, (await jobs.TryAsync($"delete from iiot.{table}")).Refusal?.SqlState);
            Assert.Equal(RawConnection.Refused, (await jobs.TryAsync($"update iiot.{table} set tenant_no = default")).Refusal?.SqlState);
        }
    }
}
