using Insa.Iiot.Conformance;

namespace Insa.Iiot.Storage.Postgres.Tests.Telemetry;

/// <summary>What the server refuses before a frame is written costs nobody else's frames.</summary>
public sealed class RefusedNamesTests(PostgresCluster cluster) : IAsyncLifetime
{
    private static readonly TenantId Plant = TenantId.Parse("plant");
    private static readonly TenantId Other = TenantId.Parse("other");
    private static readonly DateTime Noon = new(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc);

    private PostgresStore _store = null!;

    public async ValueTask InitializeAsync() => _store = await PostgresStore.MakeAsync(cluster);

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Theory]
    [InlineData("iiot.tenant add check (name <> 'plant')", "xxxxx", ".....")]
    [InlineData("iiot.telemetry_metric add check (name <> 'bad')", ".x.x.", ".....")]
    [InlineData("iiot.telemetry_device add check (name <> 'd1')", ".x...", ".x...")]
    public async Task Names_that_cannot_be_learned_refuse_the_frames_of_their_streams_alone(
        string constraint,
        string refused,
        string refusedOfOther
    )
    {
        await _store.QueryAsync($"alter table {constraint}");
        using var writer = Frames();
        await _store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
        Assert.Equal([refused, refusedOfOther], writer.Batch.Chunks.Select(Rejections));
        Assert.Equal((refused + refusedOfOther).Count(c => c == '.'), await CountAsync());
    }

    [Fact]
    public async Task A_time_for_which_no_partition_can_be_made_refuses_its_frames_alone()
    {
        await _store.QueryAsync(
            """
            alter function iiot_data.ensure_partition rename to ensure_partition_of_any_time;
            create function iiot_data.ensure_partition(at timestamptz, out starts timestamptz, out ends timestamptz) language plpgsql security definer as $$
            begin
              if extract(hour from at at time zone 'UTC') = 13 then raise 'not this one' using errcode = '22008'; end if;
              select x.starts, x.ends into starts, ends from iiot_data.ensure_partition_of_any_time(at) x;
            end $$;
            grant execute on function iiot_data.ensure_partition to iiot_writer;
            update iiot_data.telemetry_state set partition_width = '1 hour'
            """
        );
        using var writer = Frames();
        await _store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
        Assert.All(writer.Batch.Chunks, chunk => Assert.Equal(".x...", Rejections(chunk)));
        Assert.Equal(8L, await CountAsync());
    }

    [Theory]
    [InlineData("iiot.tenant alter tenant_no")]
    [InlineData("iiot.telemetry_metric alter metric_no")]
    [InlineData("iiot.telemetry_stream alter stream_no")]
    public async Task Numbers_that_have_run_out_refuse_no_frame_for_good(string column)
    {
        await _store.QueryAsync($"alter table {column} set minvalue 0 set maxvalue 1");
        using var writer = Frames();
        var failure = await Assert.ThrowsAsync<TelemetryStoreException>(() => _store.Sink.WriteAsync(writer.Batch, CancellationToken.None));
        Assert.True(failure.IsTransient);
        Assert.Contains("have run out", failure.Message, StringComparison.Ordinal);
        Assert.All(writer.Batch.Chunks, chunk => Assert.False(chunk.HasRejections));
        await _store.QueryAsync($"alter table {column} set no maxvalue");
        await _store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
        Assert.Equal(10L, await CountAsync());
    }

    [Theory]
    [InlineData("return query select x.generation, x.tenant_no, x.stream_nos[2:] from x")]
    [InlineData("return query select x.generation, x.tenant_no, null::int[] from x")]
    [InlineData("return query select x.generation, x.tenant_no, array[null, null, null, null]::int[] from x")]
    [InlineData("return")]
    [InlineData("raise foreign_key_violation")]
    public async Task Numbers_that_go_while_they_are_looked_up_refuse_no_frame_for_good(string answer)
    {
        var body = answer.Replace("from x", "from iiot_data.find_streams_found(tenant_name, devices, layouts) x", StringComparison.Ordinal);
        await _store.QueryAsync(
            $"""
            alter function iiot_data.find_streams rename to find_streams_found;
            create function iiot_data.find_streams(tenant_name text, devices text[], layouts text[])
              returns table (generation bigint, tenant_no int, stream_nos int[]) language plpgsql as $$ begin {body}; end $$;
            grant execute on function iiot_data.find_streams to iiot_writer
            """
        );
        using var writer = Frames();
        var failure = await Assert.ThrowsAsync<TelemetryStoreException>(() => _store.Sink.WriteAsync(writer.Batch, CancellationToken.None));
        Assert.True(failure.IsTransient);
        Assert.All(writer.Batch.Chunks, chunk => Assert.False(chunk.HasRejections));
        await _store.QueryAsync("drop function iiot_data.find_streams; alter function iiot_data.find_streams_found rename to find_streams");
        await _store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
        Assert.Equal(10L, await CountAsync());
    }

    [Fact]
    public async Task A_refused_frame_does_not_count_as_how_far_its_stream_has_come()
    {
        await _store.QueryAsync("alter table iiot_data.telemetry_frame add constraint refused check (vals <> float8send(4))");
        using var writer = Frames();
        await _store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
        await _store.Streams.NoteAsync(CancellationToken.None);
        Assert.Equal(
            "d0 12:00:00",
            await _store.QueryAsync(
                """
                select string_agg(d.name || to_char(s.last_ts at time zone 'UTC', ' HH24:MI:SS'), ', ' order by s.last_ts)
                from iiot.telemetry_stream s join iiot.telemetry_device d using (tenant_no, device_no) join iiot.tenant t using (tenant_no)
                where t.name = 'plant' and d.name = 'd0'
                """
            )
        );
    }

    // Of two tenants, an hour apart each: d0 good, d1 bad, d2 good, d3 bad, d0 good.
    private static BatchWriter Frames()
    {
        var writer = new BatchWriter();
        foreach (var tenant in (TenantId[])[Plant, Other])
        {
            for (var i = 0; i < 5; i++)
            {
                var isBad = i % 2 == 1 && tenant == Plant;
                writer.Add(tenant, DeviceId.Parse($"d{i % 4}"), Noon.AddHours(i), frame => frame.AddDouble(isBad ? "bad"u8 : "n"u8, i));
            }
        }

        return writer;
    }

    private static string Rejections(TelemetryChunk chunk) =>
        string.Concat(Enumerable.Range(0, chunk.FrameCount).Select(i => chunk.RejectionOf(i) == IngestReason.None ? '.' : 'x'));

    private async Task<long> CountAsync() => (long)(await _store.QueryAsync("select count(*) from iiot_data.telemetry_frame"))!;
}
