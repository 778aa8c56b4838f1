using System.Security.Cryptography;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>
/// The continuation points of a session's browsing (OPC 10000-4 §7.9). When there is no room, those of earlier requests go. Thread-safe.
/// </summary>
internal sealed class BrowsePoints
{
    /// <summary>How long a continuation point is, in bytes.</summary>
    public const int IdBytes = 16;

    private readonly Lock _lock = new();
    private readonly List<(Int128 Id, uint Request, BrowsePoint Point)> _points = [];

    /// <summary>Keeps a point.</summary>
    /// <param name="request">The request that needs it.</param>
    /// <param name="point">The point.</param>
    /// <param name="id">Is given the point's name.</param>
    /// <returns><see langword="false"/> if all the room is taken by the same request.</returns>
    public bool TryAdd(uint request, in BrowsePoint point, Span<byte> id)
    {
        lock (_lock)
        {
            if (_points.Count == OperationLimits.BrowsePoints)
            {
                if (_points[0].Request == request)
                    return false;
                _points.RemoveAt(0);
            }

            RandomNumberGenerator.Fill(id);
            _points.Add((ToKey(id), request, point));
            return true;
        }
    }

    /// <summary>Takes a point out: it is used once.</summary>
    public bool TryTake(ReadOnlySpan<byte> id, out BrowsePoint point)
    {
        point = default;
        if (id.Length != IdBytes)
            return false;
        var key = ToKey(id);
        lock (_lock)
        {
            for (var i = 0; i < _points.Count; i++)
            {
                if (_points[i].Id != key)
                    continue;
                point = _points[i].Point;
                _points.RemoveAt(i);
                return true;
            }
        }

        return false;
    }

    private static Int128 ToKey(ReadOnlySpan<byte> id) => System.Buffers.Binary.BinaryPrimitives.ReadInt128LittleEndian(id);
}
