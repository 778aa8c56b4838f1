using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.History;

/// <summary>A HistoryRead request (Part 4 §5.10.3) as far as it must outlive its message.</summary>
internal sealed class HistoryReadCall
{
    private HistoryReadCall(
        StatusCode status,
        IHistoryDetails? details = null,
        TimestampsToReturn timestamps = default,
        bool isRelease = false,
        HistoryNodeRead[]? nodes = null
    )
    {
        Status = status;
        Details = details;
        Timestamps = timestamps;
        IsRelease = isRelease;
        Nodes = nodes ?? [];
    }

    /// <summary>Good, or the fault that answers the whole request.</summary>
    public StatusCode Status { get; }

    /// <summary>What is wanted; <see langword="null"/> for details that are known and not served.</summary>
    public IHistoryDetails? Details { get; }

    public TimestampsToReturn Timestamps { get; }

    /// <summary>Whether continuation points are only to be released.</summary>
    public bool IsRelease { get; }

    public HistoryNodeRead[] Nodes { get; }

    /// <summary>Reads the request behind its header.</summary>
    public static HistoryReadCall Read(ref UaReader reader, IHistoryScope scope, HistoryLimits limits)
    {
        var view = reader.ExtensionObjectView();
        var status = ReadDetails(ref reader, view, limits, out var details, out var aggregates);
        var timestamps = (TimestampsToReturn)reader.Int32();
        var isRelease = reader.Boolean();
        var count = reader.ArrayLength(HistoryReadValueId.MinimumEncodedBytes);
        if (!reader.Status.IsGood)
            return new(reader.Status);
        if (count == 0)
            return new(StatusCodes.BadNothingToDo);
        if (count > limits.MaxNodesPerRead || (details is AtTimeHistory atTime && (long)atTime.Count * count > limits.MaxTimesPerRead))
            return new(StatusCodes.BadTooManyOperations);
        if (!status.IsGood)
            return new(status);
        if (aggregates is not null && aggregates.Length != count)
            return new(StatusCodes.BadAggregateListMismatch);
        if (timestamps is not (TimestampsToReturn.Source or TimestampsToReturn.Server or TimestampsToReturn.Both))
            return new(StatusCodes.BadTimestampsToReturnInvalid);

        var nodes = new HistoryNodeRead[count];
        for (var i = 0; i < nodes.Length; i++)
            nodes[i] = ReadNode(ref reader, scope, details, aggregates is null ? default : aggregates[i]);
        return reader.Status.IsGood ? new(StatusCodes.Good, details, timestamps, isRelease, nodes) : new(reader.Status);
    }

    private static StatusCode ReadDetails(
        ref UaReader reader,
        ExtensionObjectView view,
        HistoryLimits limits,
        out IHistoryDetails? details,
        out NodeId[]? aggregates
    )
    {
        (details, aggregates) = (null, null);
        if (reader.Structure<ReadRawModifiedDetails>(view) is { } raw)
        {
            details = new RawHistory(raw);
        }
        else if (reader.Structure<ReadProcessedDetails>(view) is { } processed)
        {
            details = new ProcessedHistory(processed, limits);
            aggregates = processed.AggregateType ?? [];
        }
        else if (reader.Structure<ReadAtTimeDetails>(view) is { } atTime)
        {
            details = new AtTimeHistory(atTime, limits);
        }
        else if (!view.Is(EncodingIds.ReadEventDetails))
        {
            return StatusCodes.BadHistoryOperationInvalid;
        }

        return StatusCodes.Good;
    }

    private static HistoryNodeRead ReadNode(ref UaReader reader, IHistoryScope scope, IHistoryDetails? details, NodeId aggregate)
    {
        var id = reader.NodeId();
        var indexRange = reader.Utf8String();
        var encoding = reader.QualifiedNameUtf8(out _);
        var point = reader.ByteStringArray();
        var isStandard = aggregate is { Type: NodeIdType.Numeric, NamespaceIndex: 0 };
        var status = scope.Find(id, forUpdate: false, out var node);
        if (status.IsGood && details is null)
            status = StatusCodes.BadHistoryOperationUnsupported;
        // Values are scalars of built-in types: there is nothing to take a part of, nor another encoding.
        if (status.IsGood && !indexRange.IsEmpty)
            status = StatusCodes.BadIndexRangeNoData;
        if (status.IsGood && !encoding.IsEmpty)
            status = StatusCodes.BadDataEncodingInvalid;
        if (status.IsGood)
            status = details!.Check(isStandard ? aggregate.Numeric : 0);
        return new(status, node, isStandard ? aggregate.Numeric : 0, point is { Length: > 0 } ? point : null);
    }
}
