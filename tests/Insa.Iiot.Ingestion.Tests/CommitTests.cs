using Insa.Iiot.Ingestion.Pipeline;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.Ingestion.Tests;

public sealed class CommitTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_receipt_completes_after_the_commit_and_not_before()
    {
        await using var pipeline = new Pipeline();
        await pipeline.StartAsync();
        pipeline.Sink.Hold();
        var begun = pipeline.Sink.NextWrite();
        var receipt = pipeline.Submit(Pipeline.Session(Pipeline.Plant), 1);
        Assert.Equal(IngestStatus.Accepted, receipt.Status);

        await begun.WaitAsync(Patience);
        Assert.False(receipt.Commit!.IsCompleted);
        pipeline.Sink.Release();
        var result = await receipt.Commit.WaitAsync(Patience);
        Assert.Equal(IngestReason.None, receipt.Settle(result));
        Assert.Equal([1], pipeline.Sink.ValuesOf(Pipeline.Plant));
    }

    [Fact]
    public async Task What_arrives_during_a_write_forms_the_next_batch()
    {
        await using var pipeline = new Pipeline();
        await pipeline.StartAsync();
        pipeline.Sink.Hold();
        var begun = pipeline.Sink.NextWrite();
        var session = Pipeline.Session(Pipeline.Plant);
        pipeline.Submit(session, 0);
        await begun.WaitAsync(Patience);

        IngestReceipt last = default;
        for (var i = 1; i <= 100; i++)
            last = pipeline.Submit(session, i);
        pipeline.Sink.Release();
        await last.Commit!.WaitAsync(Patience);
        Assert.Equal(2, pipeline.Sink.Batches.Count);
        Assert.Equal(Enumerable.Range(0, 101).Select(i => (double)i), pipeline.Sink.ValuesOf(Pipeline.Plant));
    }

    [Fact]
    public async Task Messages_of_one_batch_share_one_completion()
    {
        await using var pipeline = new Pipeline();
        var session = Pipeline.Session(Pipeline.Plant);
        Assert.Same(pipeline.Submit(session, 1).Commit, pipeline.Submit(session, 2).Commit);
    }

    [Fact]
    public async Task A_transient_failure_is_tried_again_until_it_passes()
    {
        await using var pipeline = new Pipeline();
        for (var i = 0; i < 5; i++)
            pipeline.Sink.FailNext(new TelemetryStoreException("The disk is full.", isTransient: true));
        await pipeline.StartAsync();
        var receipt = pipeline.Submit(Pipeline.Session(Pipeline.Plant), 1);
        while (!receipt.Commit!.IsCompleted)
        {
            pipeline.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.Equal(IngestReason.None, receipt.Settle(await receipt.Commit));
        Assert.Equal([1], pipeline.Sink.ValuesOf(Pipeline.Plant));
        Assert.Equal(6, pipeline.Sink.Begun);
        Assert.Single(pipeline.Logs.Collector.GetSnapshot(), record => record.Id.Id == 1001);
    }

    [Fact]
    public async Task What_was_not_stored_is_shown_to_no_observer()
    {
        var observer = new RecordingObserver();
        await using var pipeline = new Pipeline(add: services => services.AddSingleton<ITelemetryObserver>(observer));
        pipeline.Sink.ThrowsOn = value => value == 5;
        await pipeline.StartAsync();
        var session = Pipeline.Session(Pipeline.Plant);
        var refused = pipeline.Submit(session, 5);
        Assert.Equal(IngestReason.Unstorable, refused.Settle(await refused.Commit!.WaitAsync(Patience)));
        var stored = pipeline.Submit(session, 6);
        Assert.Equal(IngestReason.None, stored.Settle(await stored.Commit!.WaitAsync(Patience)));
        Assert.Equal([6], await observer.Next.WaitAsync(Patience));
    }

    [Fact]
    public async Task A_frame_the_sink_refuses_becomes_a_dead_letter_and_only_its_message_is_told()
    {
        await using var pipeline = new Pipeline();
        pipeline.Sink.Refuses = value => value == 5;
        var session = Pipeline.Session(Pipeline.Plant);
        var good = pipeline.Submit(session, 1, 4);
        var bad = pipeline.Submit(session, 5, 2);
        await pipeline.StartAsync();

        Assert.Equal(IngestReason.None, good.Settle(await good.Commit!.WaitAsync(Patience)));
        Assert.Equal(IngestReason.Unstorable, bad.Settle(await bad.Commit!.WaitAsync(Patience)));
        var letter = Assert.Single(pipeline.DeadLetters.Letters);
        Assert.Equal(
            """{"device_id":"press","timestamp":"2026-05-01T12:00:00.000004Z","data":{"n":5}}""",
            System.Text.Encoding.UTF8.GetString(letter.Payload.Span)
        );
        var ledger = pipeline.Get<TelemetryIngress>().LaneOf(Pipeline.Plant).Ledger;
        Assert.Equal((2, 1, 1, 0), (ledger.Received, ledger.Committed, ledger.DeadLettered, ledger.InFlight));
    }

    [Fact]
    public async Task A_sink_that_fails_for_good_costs_only_the_chunk_it_fails_on()
    {
        await using var pipeline = new Pipeline();
        pipeline.Sink.ThrowsOn = value => value == 666;
        var good = pipeline.Submit(Pipeline.Session(Pipeline.Plant), 1);
        var bad = pipeline.Submit(Pipeline.Session(Pipeline.Other), 666);
        await pipeline.StartAsync();

        Assert.Equal(IngestReason.None, good.Settle(await good.Commit!.WaitAsync(Patience)));
        Assert.Equal(IngestReason.Unstorable, bad.Settle(await bad.Commit!.WaitAsync(Patience)));
        Assert.Equal([1], pipeline.Sink.ValuesOf(Pipeline.Plant));
        Assert.Equal(Pipeline.Other, Assert.Single(pipeline.DeadLetters.Letters).Tenant);
    }

    [Fact]
    public async Task Stopping_drains_what_was_taken_and_takes_no_more()
    {
        await using var pipeline = new Pipeline();
        var session = Pipeline.Session(Pipeline.Plant);
        var receipt = pipeline.Submit(session, 1);
        await pipeline.StartAsync();
        var stopped = pipeline.Service.StopAsync(CancellationToken.None);
        while (!stopped.IsCompleted)
        {
            pipeline.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.Equal(IngestReason.None, receipt.Settle(await receipt.Commit!));
        Assert.Equal(IngestReason.Stopping, pipeline.Submit(session, 2).Reason);
        await Assert.ThrowsAsync<OperationCanceledException>(async () => await pipeline.Ingress.WaitForCapacityAsync(session));
    }

    [Fact]
    public async Task Stopping_under_a_store_that_hangs_acknowledges_nothing()
    {
        await using var pipeline = new Pipeline();
        await pipeline.StartAsync();
        pipeline.Sink.Hold();
        var begun = pipeline.Sink.NextWrite();
        var receipt = pipeline.Submit(Pipeline.Session(Pipeline.Plant), 1);
        await begun.WaitAsync(Patience);
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await pipeline.Service.StopAsync(now.Token);
        Assert.Equal(IngestReason.Stopping, receipt.Settle(await receipt.Commit!.WaitAsync(Patience)));
    }
}
