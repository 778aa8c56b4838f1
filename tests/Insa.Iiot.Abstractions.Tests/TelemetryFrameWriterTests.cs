using System.Text;

namespace Insa.Iiot.Tests;

public sealed class TelemetryFrameWriterTests : IDisposable
{
    private static readonly long Now = new DateTime(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc).Ticks;
    private static readonly TenantId Tenant = TenantId.Parse("plant");
    private static readonly DeviceSession Session = new(Tenant, DeviceId.Parse("press"), [DeviceId.Parse("pump")]);

    private readonly TelemetryChunk _chunk = new(4);
    private readonly TelemetryFrameWriter _writer = new(new TelemetryLimits { MaxLayoutNodesPerTenant = 16, MaxMetricsPerFrame = 4 });

    public TelemetryFrameWriterTests() => _chunk.Reset(Tenant);

    public void Dispose() => _chunk.Dispose();

    [Fact]
    public void A_frame_reads_back_as_it_was_written()
    {
        Begin();
        Assert.Equal(IngestReason.None, _writer.AddDouble("temp"u8, 21.5, TelemetryQuality.Uncertain));
        Assert.Equal(IngestReason.None, _writer.AddLong("count"u8, long.MaxValue));
        Assert.Equal(IngestReason.None, _writer.AddBool("on"u8, value: true));
        Assert.Equal(IngestReason.None, _writer.AddText("state"u8, "läuft"u8));
        Assert.Equal(IngestReason.None, _writer.SetDevice("pump"u8));
        Assert.Equal(IngestReason.None, _writer.SetTimestamp(Now - 17));
        Assert.Equal(IngestReason.None, _writer.EndFrame());
        _writer.CommitMessage();

        var frame = _chunk[0];
        Assert.Equal("pump", frame.Device.Value);
        Assert.Equal(Now - 20, frame.TimestampTicks);
        Assert.Equal(["temp", "count", "on", "state"], frame.Layout.Metrics);
        Assert.Equal(TelemetryValue.Of(21.5), frame.GetValue(0));
        Assert.Equal(TelemetryQuality.Uncertain, frame.Qualities[0]);
        Assert.Equal(TelemetryValue.Of(long.MaxValue), frame.GetValue(1));
        Assert.Equal(TelemetryValue.Of(true), frame.GetValue(2));
        Assert.Equal(TelemetryValue.OfText("läuft"), frame.GetValue(3));
    }

    [Fact]
    public void The_same_metrics_in_the_same_order_share_one_layout()
    {
        Write("a", "b");
        Write("a", "b");
        Write("b", "a");
        Assert.Same(_chunk[0].Layout, _chunk[1].Layout);
        Assert.NotSame(_chunk[0].Layout, _chunk[2].Layout);
    }

    [Fact]
    public void An_aborted_message_leaves_nothing_behind()
    {
        Write("a");
        var size = _chunk.SizeBytes;
        Begin();
        _writer.AddText("b"u8, "text"u8);
        _writer.EndFrame();
        _writer.AddDouble("c"u8, 1);
        _writer.AbortMessage();
        Assert.Equal(1, _chunk.FrameCount);
        Assert.Equal(1, _chunk.ValueCount);
        Assert.Equal(size, _chunk.SizeBytes);
    }

    [Fact]
    public void Messages_without_a_time_never_fall_on_the_same_microsecond()
    {
        Write("a");
        Write("a");
        Write("a");
        Assert.Equal(Now, _chunk[0].TimestampTicks);
        Assert.Equal(Now + 10, _chunk[1].TimestampTicks);
        Assert.Equal(Now + 20, _chunk[2].TimestampTicks);
    }

    [Fact]
    public void A_device_the_session_may_not_publish_for_is_refused()
    {
        Begin();
        Assert.Equal(IngestReason.DeviceNotAllowed, _writer.SetDevice("mixer"u8));
        Assert.Equal(IngestReason.DeviceNotAllowed, _writer.SetDevice("pümp"u8));
        Assert.Equal(IngestReason.DeviceNotAllowed, _writer.SetDevice(new byte[1000]));
    }

    [Fact]
    public void A_chunk_of_another_tenant_is_never_written_to()
    {
        _chunk.Reset(TenantId.Parse("other"));
        Assert.Throws<InvalidOperationException>(Begin);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    public void A_number_that_is_not_finite_is_refused(double value)
    {
        Begin();
        Assert.Equal(IngestReason.NotFinite, _writer.AddDouble("a"u8, value));
    }

    [Fact]
    public void A_time_outside_the_window_is_refused_and_one_on_its_edge_is_not()
    {
        var limits = new TelemetryLimits();
        Begin();
        Assert.Equal(IngestReason.None, _writer.SetTimestamp(Now + limits.MaxAhead.Ticks));
        Assert.Equal(IngestReason.TimestampOutOfRange, _writer.SetTimestamp(Now + limits.MaxAhead.Ticks + 1));
        Assert.Equal(IngestReason.None, _writer.SetTimestamp(Now - limits.MaxAge.Ticks));
        Assert.Equal(IngestReason.TimestampOutOfRange, _writer.SetTimestamp(Now - limits.MaxAge.Ticks - 1));
        Assert.Equal(IngestReason.TimestampOutOfRange, _writer.SetTimestamp(long.MinValue));
        Assert.Equal(IngestReason.TimestampOutOfRange, _writer.SetTimestamp(long.MaxValue));
    }

    [Fact]
    public void A_name_of_128_bytes_is_taken_and_one_of_129_is_not()
    {
        Begin();
        Assert.Equal(IngestReason.None, _writer.AddDouble(Encoding.UTF8.GetBytes(new string('x', 128)), 1));
        Assert.Equal(IngestReason.NameTooLong, _writer.AddDouble(Encoding.UTF8.GetBytes(new string('y', 129)), 1));
    }

    [Fact]
    public void A_bad_name_is_refused()
    {
        Begin();
        Assert.Equal(IngestReason.NameInvalid, _writer.AddDouble(""u8, 1));
        Assert.Equal(IngestReason.NameInvalid, _writer.AddDouble("a\n"u8, 1));
        Assert.Equal(IngestReason.NameInvalid, _writer.AddDouble([0xC3, 0x28], 1));
    }

    [Fact]
    public void A_metric_that_stands_twice_in_a_frame_is_refused()
    {
        Begin();
        _writer.AddDouble("a"u8, 1);
        _writer.AddDouble("b"u8, 1);
        Assert.Equal(IngestReason.DuplicateMetric, _writer.AddDouble("a"u8, 2));
    }

    [Fact]
    public void A_frame_beyond_the_limits_is_refused()
    {
        Begin();
        Assert.Equal(IngestReason.Empty, _writer.EndFrame());
        foreach (var name in (string[])["a", "b", "c", "d"])
            Assert.Equal(IngestReason.None, _writer.AddDouble(Encoding.UTF8.GetBytes(name), 1));
        Assert.Equal(IngestReason.TooManyMetrics, _writer.AddDouble("e"u8, 1));
    }

    [Fact]
    public void A_tenant_with_too_many_layouts_is_refused_new_ones_and_keeps_the_old()
    {
        for (var i = 0; i < 16; i++)
        {
            Begin();
            Assert.Equal(IngestReason.None, _writer.AddDouble(Encoding.UTF8.GetBytes($"m{i}"), 1));
            _writer.AbortMessage();
        }

        Begin();
        Assert.Equal(IngestReason.LayoutLimit, _writer.AddDouble("one more"u8, 1));
        _writer.AbortMessage();
        Begin();
        Assert.Equal(IngestReason.None, _writer.AddDouble("m7"u8, 1));
    }

    [Fact]
    public void A_full_chunk_says_so()
    {
        for (var i = 0; i < 4; i++)
            Write("a");
        Begin();
        _writer.AddDouble("a"u8, 1);
        Assert.Equal(IngestReason.LaneFull, _writer.EndFrame());
    }

    [Fact]
    public void A_repeated_layout_allocates_nothing()
    {
        using var chunk = new TelemetryChunk(1024);
        chunk.Reset(Tenant);
        Fill(chunk);
        chunk.Reset(Tenant);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Fill(chunk);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(1024, chunk.FrameCount);
    }

    private void Fill(TelemetryChunk chunk)
    {
        for (var i = 0; i < 1024; i++)
        {
            _writer.BeginMessage(chunk, Session, Session.Device, Now);
            _writer.AddDouble("temp"u8, i);
            _writer.AddDouble("pressure"u8, i);
            _writer.EndFrame();
            _writer.CommitMessage();
        }
    }

    private void Begin() => _writer.BeginMessage(_chunk, Session, Session.Device, Now);

    private void Write(params ReadOnlySpan<string> metrics)
    {
        Begin();
        foreach (var metric in metrics)
            Assert.Equal(IngestReason.None, _writer.AddDouble(Encoding.UTF8.GetBytes(metric), 1));
        Assert.Equal(IngestReason.None, _writer.EndFrame());
        _writer.CommitMessage();
    }
}
