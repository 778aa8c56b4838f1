namespace Insa.Iiot.Ingestion.Tests;

public sealed class ReplayTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly PayloadFormat Json = PayloadFormat.Json;
    private static readonly DateTime Noon = new(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc);
    private static readonly DateTime Earlier = Noon.AddDays(-3);

    [Fact]
    public async Task Values_without_a_time_of_their_own_get_that_of_the_arrival_that_is_said()
    {
        await using var pipeline = new Pipeline();
        await pipeline.StartAsync();
        await SubmitAsync(pipeline, """[{"data":{"n":1}},{"data":{"n":2}},{"data":{"n":3},"timestamp":"2026-04-28T00:00:00Z"}]""", Earlier);
        await SubmitAsync(pipeline, """{"data":{"n":4}}""", null);
        await SubmitAsync(pipeline, """{"data":{"n":5}}""", Earlier.AddTicks(7));

        Assert.Equal([Earlier, Earlier.AddMicroseconds(1), Earlier.Date, Noon, Earlier], pipeline.Sink.Times);

        // The order of arrival is that of now: a replay is no older than what is stored.
        Assert.All(pipeline.Sink.Arrivals, arrival => Assert.True(arrival >= Noon));
    }

    [Fact]
    public async Task Relative_times_count_from_the_arrival_that_is_said()
    {
        await using var pipeline = new Pipeline();
        await pipeline.StartAsync();
        var receipt = pipeline.Ingress.Submit(
            Pipeline.Session(Pipeline.Plant),
            new TelemetryMessage(pipeline.Ingress.FindFormat("application/senml+json"u8)!, """[{"n":"n","v":1,"t":-60}]"""u8)
            {
                ReceivedAt = Earlier,
            }
        );
        await receipt.Commit!.WaitAsync(Patience);
        Assert.Equal([Earlier.AddMinutes(-1)], pipeline.Sink.Times);
    }

    [Fact]
    public async Task A_replay_that_is_repeated_says_the_same_again()
    {
        await using var pipeline = new Pipeline();
        await pipeline.StartAsync();
        for (var i = 0; i < 2; i++)
            await SubmitAsync(pipeline, """[{"data":{"n":1}},{"data":{"n":2}}]""", Earlier);
        Assert.Equal(pipeline.Sink.Times[..2], pipeline.Sink.Times[2..]);
    }

    [Fact]
    public async Task A_time_of_arrival_is_no_freer_than_any_other()
    {
        await using var pipeline = new Pipeline(options => options.Limits.MaxAge = TimeSpan.FromDays(1));
        await pipeline.StartAsync();
        foreach (
            var time in (DateTime[])[Noon.AddDays(-1).AddTicks(-1), Noon.AddMinutes(6), DateTime.SpecifyKind(default, DateTimeKind.Utc)]
        )
            Assert.Equal(IngestReason.TimestampOutOfRange, Submit(pipeline, """{"data":{"n":1}}""", time).Reason);
        await SubmitAsync(pipeline, """{"data":{"n":1}}""", Noon.AddDays(-1));
        Assert.Equal([Noon.AddDays(-1)], pipeline.Sink.Times);
    }

    [Theory]
    [InlineData(DateTimeKind.Local)]
    [InlineData(DateTimeKind.Unspecified)]
    public void A_time_of_arrival_is_utc(DateTimeKind kind) =>
        Assert.Throws<ArgumentException>(() =>
            _ = new TelemetryMessage(Json, default) { ReceivedAt = DateTime.SpecifyKind(Noon, kind) }
                .Payload
                .Length
        );

    [Fact]
    public async Task A_replay_that_is_refused_again_keeps_when_it_first_arrived()
    {
        await using var pipeline = new Pipeline();
        await pipeline.StartAsync();
        var receipt = Submit(pipeline, "{", Earlier);
        Assert.Equal(IngestReason.Malformed, receipt.Reason);
        await receipt.Commit!.WaitAsync(Patience);
        Assert.Equal(Earlier, Assert.Single(pipeline.DeadLetters.Letters).ReceivedAt);
    }

    [Fact]
    public async Task A_replay_into_a_chunk_that_is_full_keeps_its_time()
    {
        await using var pipeline = new Pipeline(options => options.MaxLaneFrames = 65_536);
        pipeline.Sink.Hold();
        var payload = $"[{string.Join(',', Enumerable.Repeat("""{"data":{"n":1}}""", 3000))}]";
        Assert.Equal(IngestStatus.Accepted, Submit(pipeline, """{"data":{"n":0}}""", null).Status);
        var receipt = Submit(pipeline, payload, Earlier);
        pipeline.Sink.Release();
        await pipeline.StartAsync();
        await receipt.Commit!.WaitAsync(Patience);
        Assert.Equal(Enumerable.Range(0, 3000).Select(i => Earlier.AddMicroseconds(i)), pipeline.Sink.Times[1..]);
    }

    private static async Task SubmitAsync(Pipeline pipeline, string json, DateTime? receivedAt)
    {
        var receipt = Submit(pipeline, json, receivedAt);
        Assert.Equal(IngestStatus.Accepted, receipt.Status);
        await receipt.Commit!.WaitAsync(Patience);
    }

    private static IngestReceipt Submit(Pipeline pipeline, string json, DateTime? receivedAt) =>
        pipeline.Ingress.Submit(
            Pipeline.Session(Pipeline.Plant),
            new TelemetryMessage(Json, System.Text.Encoding.UTF8.GetBytes(json)) { ReceivedAt = receivedAt }
        );
}
