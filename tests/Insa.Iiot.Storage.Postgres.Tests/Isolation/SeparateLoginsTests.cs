namespace Insa.Iiot.Storage.Postgres.Tests.Isolation;

/// <summary>With a login for each role, no SQL over one role's connection gets at what another may.</summary>
public sealed class SeparateLoginsTests(TwoTenants data, PostgresCluster cluster) : IClassFixture<TwoTenants>
{
    private static readonly string[] Roles =
    [
        PostgresRole.App,
        PostgresRole.Writer,
        PostgresRole.Jobs,
        PostgresRole.Owner,
        PostgresCluster.Host,
        PostgresCluster.HostJobs,
        PostgresCluster.Deploy,
        "pg_read_all_data",
        "postgres",
    ];

    [Theory]
    [InlineData(PostgresRole.App)]
    [InlineData(PostgresRole.Writer)]
    [InlineData(PostgresRole.Jobs)]
    public async Task No_other_role_can_be_taken(string role)
    {
        await using var store = await StoreAsync();
        await using var connection = await RawConnection.OpenAsync(
            role switch
            {
                PostgresRole.App => store.Database.App,
                PostgresRole.Writer => store.Database.Writer,
                _ => store.Database.Jobs,
            }
        );
        var login = (string)(await connection.ScalarAsync("select session_user::text"))!;
        foreach (var other in Roles.Where(other => other != role && other != login))
        {
            foreach (var way in (string[])["set role", "set local role", "set session authorization"])
                Assert.Equal(
                    (way, other, RawConnection.Refused),
                    (way, other, (await connection.TryAsync($"{way} {other}")).Refusal?.SqlState)
                );
            Assert.Equal(
                RawConnection.Refused,
                (await connection.TryAsync($"select set_config('role', '{other}', false)")).Refusal?.SqlState
            );
        }
    }

    [Theory]
    [InlineData("reset role")]
    [InlineData("reset session authorization")]
    [InlineData("set role none")]
    [InlineData("reset all")]
    public async Task Who_gives_the_role_up_has_less_or_the_same(string way)
    {
        await using var store = await StoreAsync();
        await using var app = await RawConnection.OpenAsync(store.Database.App, data.MineNo);
        Assert.Null((await app.TryAsync(way)).Refusal);
        await app.ExecuteAsync($"set local iiot.tenant = '{data.MineNo}'");
        foreach (var relation in data.Relations.Where(relation => relation.IsOfTenant))
        {
            var (rows, refusal) = await app.TryAsync($"select from {relation.Name} where tenant_no <> {data.MineNo}");
            Assert.True(rows == 0 && refusal is null or { SqlState: RawConnection.Refused }, relation.Name);
        }
    }

    /// <summary>Why the start check warns of it.</summary>
    [Fact]
    public async Task One_login_for_all_roles_lets_SQL_of_the_application_take_another()
    {
        await using var app = await RawConnection.OpenAsync(data.Store.Database.App, data.MineNo);
        await app.ExecuteAsync("set local role iiot_jobs");
        Assert.Equal(2L, await app.ScalarAsync("select count(distinct tenant_no) from iiot_data.telemetry_frame"));
    }

    private Task<PostgresStore> StoreAsync() => PostgresStore.MakeAsync(cluster, data.Store.DatabaseName, cluster.UseOwnLogins);
}
