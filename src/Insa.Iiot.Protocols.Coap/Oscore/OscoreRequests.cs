using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Oscore;

/// <summary>
/// The last requests of a context: what a response answers, and what a duplicate is answered with. Each has a message id of its own inside, so that
/// a device that begins anew and takes an id again is not taken for its former self. Not thread-safe.
/// </summary>
/// <param name="budget">The bytes that all contexts may keep of answers.</param>
internal sealed class OscoreRequests(OscoreBudget budget)
{
    /// <summary>More than an endpoint has at work for a peer.</summary>
    private const int MaxLength = 256;

    private const int FirstLength = 8;

    private OscoreRequest[] _requests = new OscoreRequest[FirstLength];
    private uint _last;

    /// <returns>The request's number, of which the lower half is its message id inside.</returns>
    public ushort Add(long partialIv, ulong tag, CoapToken token, ushort messageId, bool isConfirmable, int now, int lifetime)
    {
        var number = Math.Max(unchecked(_last + 1), 1);
        var former = _requests[PlaceOf(number)];
        if (former.Number != 0 && now - former.TakenAt <= lifetime && _requests.Length < MaxLength)
        {
            Grow();
            former = _requests[PlaceOf(number)];
        }

        ref var request = ref _requests[PlaceOf(number)];
        request = former.Next(number, partialIv, tag, token, messageId, isConfirmable, now);
        budget.Give(former.Capacity - request.Capacity);
        _last = number;
        return (ushort)number;
    }

    public ref OscoreRequest this[int place] => ref _requests[place];

    /// <summary>Finds the request that a message repeats.</summary>
    /// <returns>Its place; -1 if there is none.</returns>
    public int FindDuplicate(long partialIv, ulong tag, ushort messageId)
    {
        for (var place = 0; place < _requests.Length; place++)
        {
            ref var request = ref _requests[place];
            if (request.Number != 0 && request.PartialIv == partialIv && request.Tag == tag && request.MessageId == messageId)
                return place;
        }

        return -1;
    }

    /// <summary>Finds a request by its message id inside.</summary>
    /// <returns>Its place; -1 if there is none.</returns>
    public int Find(ushort id)
    {
        var place = PlaceOf(id);
        return _requests[place].Number != 0 && (ushort)_requests[place].Number == id ? place : -1;
    }

    /// <summary>Finds the newest request with a token that has no response yet.</summary>
    /// <returns>Its place; -1 if there is none.</returns>
    public int FindOpen(CoapToken token)
    {
        for (var number = _last; number != 0 && _last - number < _requests.Length; number--)
        {
            var place = PlaceOf(number);
            ref var request = ref _requests[place];
            if (request.Number == number && !request.IsAnswered && request.Token.Equals(token))
                return place;
        }

        return -1;
    }

    /// <summary>Keeps the acknowledgement of a request, if there is room.</summary>
    public void Keep(int place, ReadOnlySpan<byte> answer)
    {
        ref var request = ref _requests[place];
        var more = request.Capacity < answer.Length ? OscoreRequest.CapacityFor(answer.Length) - request.Capacity : 0;
        if (more == 0 || budget.TryTake(more))
            request.Keep(answer);
    }

    /// <summary>Forgets all answers.</summary>
    public void Release()
    {
        foreach (ref var request in _requests.AsSpan())
        {
            budget.Give(request.Capacity);
            request.Release();
        }
    }

    private int PlaceOf(uint number) => (int)(number & (uint)(_requests.Length - 1));

    private void Grow()
    {
        var former = _requests;
        _requests = new OscoreRequest[former.Length * 2];
        foreach (ref var request in former.AsSpan())
        {
            if (request.Number != 0)
                _requests[PlaceOf(request.Number)] = request;
        }
    }
}
