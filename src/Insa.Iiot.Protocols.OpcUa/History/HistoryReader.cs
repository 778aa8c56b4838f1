using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.History;

/// <summary>Answers HistoryRead over the telemetry store.</summary>
internal sealed class HistoryReader(ITelemetryReader reader, HistoryLimits limits, TimeProvider time) : IDisposable
{
    private readonly SemaphoreSlim _gate = new(limits.MaxConcurrentRequests);

    /// <summary>Reads all nodes of a request whose status is good, one after the other; what takes too long is told as BadTimeout.</summary>
    /// <param name="call">The request.</param>
    /// <param name="scope">Who asks.</param>
    /// <param name="timeout">How long the client waits.</param>
    /// <param name="cancellationToken">Ends the reading: the client has gone, or has cancelled it.</param>
    /// <returns>One result per node. The caller disposes their data (<see cref="Write"/> does).</returns>
    public async Task<HistoryNodeResult[]> ReadAsync(
        HistoryReadCall call,
        IHistoryScope scope,
        TimeSpan timeout,
        CancellationToken cancellationToken
    )
    {
        var results = new HistoryNodeResult[call.Nodes.Length];
        if (call.IsRelease)
        {
            for (var i = 0; i < results.Length; i++)
                results[i] = Release(call.Nodes[i], scope);
            return results;
        }

        using var expiry = new CancellationTokenSource(
            timeout > TimeSpan.Zero && timeout < limits.MaxDuration ? timeout : limits.MaxDuration,
            time
        );
        using var either = CancellationTokenSource.CreateLinkedTokenSource(expiry.Token, cancellationToken);
        var hasTurn = false;
        try
        {
            await _gate.WaitAsync(either.Token).ConfigureAwait(false);
            hasTurn = true;
            var left = limits.MaxValuesPerRead;
            for (var i = 0; i < results.Length; i++)
            {
                // What is left is shared, so that the last nodes get their turn too.
                var limit = Math.Min(limits.MaxValuesPerNode, Math.Max(1, left / (results.Length - i)));
                results[i] = await ReadAsync(call, call.Nodes[i], scope, limit, either.Token).ConfigureAwait(false);
                left -= results[i].Data?.Count ?? 0;
            }
        }
        catch (OperationCanceledException)
        {
            var status = cancellationToken.IsCancellationRequested ? StatusCodes.BadRequestCancelledByClient : StatusCodes.BadTimeout;
            for (var i = 0; i < results.Length; i++)
            {
                if (results[i] == default)
                    results[i] = new(status);
            }
        }
        finally
        {
            if (hasTurn)
                _gate.Release();
        }

        return results;
    }

    /// <summary>Writes the results behind the response header, and disposes them.</summary>
    public static void Write(ref UaWriter writer, ReadOnlySpan<HistoryNodeResult> results)
    {
        writer.ArrayLength(results.Length);
        foreach (var result in results)
        {
            writer.StatusCode(result.Status);
            writer.ByteString(result.ContinuationPoint);
            if (result.Data is null)
                writer.NullExtensionObject();
            else
                writer.ExtensionObject(EncodingIds.HistoryData, result.Data.Body);
            result.Data?.Dispose();
        }

        writer.NullArray();
    }

    public void Dispose() => _gate.Dispose();

    private async ValueTask<HistoryNodeResult> ReadAsync(
        HistoryReadCall call,
        HistoryNodeRead wanted,
        IHistoryScope scope,
        int limit,
        CancellationToken cancellationToken
    )
    {
        if (!wanted.Status.IsGood)
            return new(wanted.Status);
        var question = call.Details!.Question(wanted.Aggregate);
        HistoryPosition? position = null;
        if (wanted.ContinuationPoint is { } point)
        {
            if (!scope.ContinuationPoints.TryTake(point, wanted.Node, question, out var taken))
                return new(StatusCodes.BadContinuationPointInvalid);
            position = taken;
        }

        var data = new HistoryDataWriter(call.Timestamps);
        try
        {
            var series = new SeriesReader(reader, scope.Tenant, wanted.Node, limits);
            await series.OpenAsync(cancellationToken).ConfigureAwait(false);
            var next = await call
                .Details.ReadAsync(series, wanted.Aggregate, position, limit, limits.MaxBytesPerNode, data, cancellationToken)
                .ConfigureAwait(false);
            var result = new HistoryNodeResult(
                next is not null ? StatusCodes.GoodMoreData
                    : data.Count == 0 ? StatusCodes.GoodNoData
                    : StatusCodes.Good,
                data,
                next is { } goOn ? scope.ContinuationPoints.Issue(goOn, wanted.Node, question) : null
            );
            data = null;
            return result;
        }
        catch (TelemetryStoreException e)
        {
            return new(e.IsTransient ? StatusCodes.BadResourceUnavailable : StatusCodes.BadInternalError);
        }
        finally
        {
            data?.Dispose();
        }
    }

    private static HistoryNodeResult Release(in HistoryNodeRead node, IHistoryScope scope) =>
        new(
            node.ContinuationPoint is { } point && scope.ContinuationPoints.Release(point)
                ? StatusCodes.Good
                : StatusCodes.BadContinuationPointInvalid
        );
}
