using System.Globalization;
using Xunit;

namespace Insa.Iiot.Conformance;

/// <summary>What every protocol adapter must do, over a real host with the real pipeline. Inherit it in a test project, one class per version of the protocol.</summary>
public abstract class AdapterConformance : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TenantId Plant = TenantId.Parse("plant");

    /// <summary>What the host under test is surrounded by.</summary>
    protected AdapterSurroundings Surroundings { get; } = new();

    /// <summary>Whether the protocol refuses a message it cannot read; else it acknowledges it once it is a dead letter.</summary>
    protected abstract bool RefusesMalformed { get; }

    /// <summary>
    /// Starts a host with the ingestion pipeline and the adapter; call <see cref="AdapterSurroundings.AddTo"/> on its services.
    /// A tenant's lane must hold 1,024 frames at most.
    /// </summary>
    protected abstract Task StartAsync();

    /// <summary>Stops the host.</summary>
    protected abstract Task StopAsync();

    /// <summary>Connects a client.</summary>
    /// <returns><see langword="null"/> if the adapter refuses the credential.</returns>
    protected abstract Task<IAdapterClient?> ConnectAsync(string userName, string password);

    /// <inheritdoc/>
    public async ValueTask InitializeAsync() => await StartAsync();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        Surroundings.ReleaseCommits();
        await StopAsync();
    }

    /// <summary>The acknowledgement leaves after the commit.</summary>
    [Fact]
    public async Task An_acknowledgement_leaves_after_the_commit_and_not_before()
    {
        await using var client = await OpenAsync();
        var begun = Surroundings.HoldCommits();
        await client.SendAsync("""{"data":{"n":1}}""");
        var reply = client.ReadReplyAsync();
        await begun.WaitAsync(Patience);

        // A second client is let in, and so shows that the adapter had time to answer the first.
        await using var second = await OpenAsync();
        Assert.False(reply.IsCompleted);
        Assert.Empty(Surroundings.Stored);

        Surroundings.ReleaseCommits();
        Assert.Equal(AdapterReply.Acknowledged, await reply.WaitAsync(Patience));
        Assert.Equal(1, Assert.Single(Surroundings.Stored).Value);
    }

    /// <summary>Answers come in the order of the messages, and all is stored in that order.</summary>
    [Fact]
    public async Task Messages_are_stored_and_answered_in_their_order()
    {
        await using var client = await OpenAsync();
        for (var i = 0; i < 100; i++)
            await client.SendAsync(Number(i));
        for (var i = 0; i < 100; i++)
            Assert.Equal(AdapterReply.Acknowledged, await ReplyAsync(client));
        Assert.Equal(Enumerable.Range(0, 100).Select(i => (double)i), Surroundings.Stored.Select(row => row.Value));
    }

    /// <summary>A full lane holds the sender back and loses nothing.</summary>
    [Fact]
    public async Task A_full_lane_holds_its_sender_back_and_loses_nothing()
    {
        const int Count = 3000;
        await using var client = await OpenAsync();
        var begun = Surroundings.HoldCommits();
        var sending = Task.Run(async () =>
        {
            for (var i = 0; i < Count; i++)
                await client.SendAsync(Number(i));
        });
        var reading = Task.Run(async () =>
        {
            for (var i = 0; i < Count; i++)
                Assert.Equal(AdapterReply.Acknowledged, await ReplyAsync(client));
        });

        await begun.WaitAsync(Patience);

        // Another tenant is not held back by it; its own messages wait for the same store.
        await using var other = await ConnectAsync("press@other", AdapterSurroundings.Secret);
        Assert.NotNull(other);
        Surroundings.ReleaseCommits();
        await sending.WaitAsync(Patience);
        await reading.WaitAsync(Patience);
        Assert.Equal(Enumerable.Range(0, Count).Select(i => (double)i), Surroundings.Stored.Select(row => row.Value));
    }

    /// <summary>A store out of reach delays, and neither loses nor refuses.</summary>
    [Fact]
    public async Task A_store_out_of_reach_delays_the_answer_and_loses_nothing()
    {
        await using var client = await OpenAsync();
        Surroundings.FailNextWrites(3);
        await client.SendAsync(Number(7));
        Assert.Equal(AdapterReply.Acknowledged, await ReplyAsync(client));
        Assert.Equal(7, Assert.Single(Surroundings.Stored).Value);
    }

    /// <summary>A message that cannot be read is refused, or kept before it is acknowledged.</summary>
    [Fact]
    public async Task A_message_that_cannot_be_read_is_never_acknowledged_and_dropped()
    {
        await using var client = await OpenAsync();
        await client.SendAsync("""{"data":{"n":""");
        var reply = await ReplyAsync(client);
        Assert.Equal(RefusesMalformed ? AdapterReply.Refused : AdapterReply.Acknowledged, reply);
        if (reply == AdapterReply.Acknowledged)
            Assert.Single(Surroundings.Letters);
        Assert.Empty(Surroundings.Stored);
        await client.SendAsync(Number(1));
        Assert.Equal(AdapterReply.Acknowledged, await ReplyAsync(client));
    }

    /// <summary>Another device of the tenant is out of reach, and so is one that does not exist.</summary>
    [Theory]
    [InlineData("pump")]
    [InlineData("no-such-device")]
    public async Task A_device_cannot_speak_for_another(string device)
    {
        await using var client = await OpenAsync();
        await client.SendAsync($$$"""{"device_id":"{{{device}}}","data":{"n":1}}""");
        Assert.NotEqual(AdapterReply.Acknowledged, await ReplyAsync(client));
        Assert.Empty(Surroundings.Stored);
        Assert.Empty(Surroundings.Letters);
    }

    /// <summary>A message that is sent again with its time is acknowledged again, and read as one.</summary>
    [Fact]
    public async Task A_message_sent_again_is_acknowledged_again()
    {
        await using var client = await OpenAsync();
        for (var i = 0; i < 2; i++)
        {
            await client.SendAsync("""{"data":{"n":1},"timestamp":"2026-05-01T12:00:00Z"}""");
            Assert.Equal(AdapterReply.Acknowledged, await ReplyAsync(client));
        }

        Assert.All(Surroundings.Stored, row => Assert.Equal(1, row.Value));
    }

    /// <summary>The tenant is the credential's, whatever the payload says.</summary>
    [Fact]
    public async Task A_tenant_cannot_be_chosen_by_the_payload()
    {
        await using var client = await OpenAsync();
        await client.SendAsync("""{"tenant":"other","tenant_id":"other","data":{"n":1}}""");
        Assert.Equal(AdapterReply.Acknowledged, await ReplyAsync(client));
        Assert.Equal(Plant, Assert.Single(Surroundings.Stored).Tenant);
    }

    /// <summary>Nobody comes in without the right credential, and the secret is in no log.</summary>
    [Theory]
    [InlineData("press@plant", "wrong")]
    [InlineData("pump@plant", AdapterSurroundings.Secret)]
    [InlineData("press@nowhere", AdapterSurroundings.Secret)]
    [InlineData("press", AdapterSurroundings.Secret)]
    [InlineData("", "")]
    public async Task Nobody_comes_in_without_the_right_credential(string userName, string password)
    {
        Assert.Null(await ConnectAsync(userName, password));
        await using var client = await OpenAsync();
        await client.SendAsync(Number(1));
        Assert.Equal(AdapterReply.Acknowledged, await ReplyAsync(client));
        Assert.DoesNotContain(Surroundings.Logs, line => line.Contains(AdapterSurroundings.Secret, StringComparison.Ordinal));
    }

    private static string Number(int number) => string.Create(CultureInfo.InvariantCulture, $$$"""{"data":{"n":{{{number}}}}}""");

    private async Task<IAdapterClient> OpenAsync()
    {
        var client = await ConnectAsync(AdapterSurroundings.UserName, AdapterSurroundings.Secret);
        Assert.NotNull(client);
        return client;
    }

    private static Task<AdapterReply> ReplyAsync(IAdapterClient client) => client.ReadReplyAsync().WaitAsync(Patience);
}
