using System.Buffers;
using System.IO.Pipelines;
using System.Numerics;
using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Streams;

/// <summary>
/// What leaves on a connection. Messages are written from any thread, and go into the pipe as long as it takes them; while one flush is under way
/// they wait beside it, and leave together with the next.
/// </summary>
/// <param name="pipe">Where to.</param>
/// <param name="budget">What may wait beside the pipe; who reads so slowly that it does not do is cut off.</param>
internal sealed class StreamOutput(PipeWriter pipe, OutputBudget budget)
{
    private const int FirstBytes = 4096;
    private const int MostBytes = 1024 * 1024 * 1024;
    private const int PipeBytes = 64 * 1024; // that the pipe is given at once: what it holds is in no budget

    private readonly Lock _sync = new();
    private TaskCompletionSource? _drained;
    private byte[] _waiting = [];
    private int _waitingStart;
    private int _waitingBytes;
    private int _takenBytes; // of the budget
    private int _unflushedBytes;
    private bool _isDirty;
    private bool _isFlushing;
    private bool _isAwaited;
    private bool _isClosed;

    /// <summary>Called when a flush that <see cref="AwaitsRoom"/> or <see cref="HasRoom"/> was asked during is done.</summary>
    public Action? Drained { get; set; }

    /// <summary>Called once when no more can be written: the other side is gone, or reads too slowly.</summary>
    public Action? Broken { get; set; }

    /// <summary>Whether the pipe is to be flushed before more is made for it.</summary>
    public bool IsFull
    {
        get
        {
            lock (_sync)
                return _unflushedBytes >= PipeBytes;
        }
    }

    /// <summary>Writes a message, given as a datagram, as a frame. It leaves with the next flush.</summary>
    /// <returns><see langword="true"/> if somebody has to flush now: nothing was waiting for it before.</returns>
    public bool TryWrite(ReadOnlySpan<byte> datagram)
    {
        var isOverfull = false;
        lock (_sync)
        {
            if (_isClosed)
                return false;
            Span<byte> header = stackalloc byte[StreamFrame.MaxHeaderLength];
            header = header[..StreamFrame.WriteHeader(header, datagram)];
            var rest = datagram[CoapHeader.Length..];
            var length = header.Length + rest.Length;
            if (!_isFlushing && _unflushedBytes < PipeBytes)
            {
                var wasClean = !_isDirty;
                _isDirty = true;
                Write(pipe.GetSpan(length), header, rest);
                pipe.Advance(length);
                _unflushedBytes += length;
                return wasClean;
            }

            if (TryMakeRoom(length))
            {
                Write(_waiting.AsSpan(_waitingStart + _waitingBytes), header, rest);
                _waitingBytes += length;
            }
            else
            {
                _isClosed = true;
                isOverfull = true;
            }
        }

        if (isOverfull)
            Break();
        return false;
    }

    /// <summary>Sends what was written. One flush is under way at a time, and takes what is written meanwhile with it.</summary>
    public void Flush()
    {
        lock (_sync)
        {
            if (_isFlushing || _isClosed || !_isDirty)
                return;
            (_isFlushing, _isDirty, _unflushedBytes) = (true, false, 0);
        }

        _ = FlushAsync();
    }

    /// <summary>Whether what was written has not all left; then <see cref="Drained"/> is called once it has.</summary>
    public bool AwaitsRoom()
    {
        lock (_sync)
            return _isFlushing && !_isClosed && (_isAwaited = true);
    }

    /// <summary>Whether less than so much waits; if not, <see cref="Drained"/> is called once all has left.</summary>
    public bool HasRoom(int bytes)
    {
        lock (_sync)
        {
            if (!_isFlushing || _isClosed || _waitingBytes < bytes)
                return true;
            _isAwaited = true;
            return false;
        }
    }

    /// <summary>Completes when all that was flushed has left, or no more can.</summary>
    public Task WhenDrainedAsync()
    {
        lock (_sync)
        {
            if (!_isFlushing || _isClosed)
                return Task.CompletedTask;
            return (_drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <summary>Takes no more, and lets go of what waits.</summary>
    public void Close()
    {
        TaskCompletionSource? drained;
        lock (_sync)
        {
            _isClosed = true;
            Release();
            (drained, _drained) = (_drained, null);
        }

        drained?.TrySetResult();
    }

    private static void Write(Span<byte> destination, ReadOnlySpan<byte> header, ReadOnlySpan<byte> rest)
    {
        header.CopyTo(destination);
        rest.CopyTo(destination[header.Length..]);
    }

    private async Task FlushAsync()
    {
        try
        {
            while (true)
            {
                var result = await pipe.FlushAsync().ConfigureAwait(false);
                if (result.IsCompleted || result.IsCanceled)
                    break;
                if (TryEndFlush(out var drained, out var isAwaited))
                {
                    drained?.TrySetResult();
                    if (isAwaited)
                        Drained?.Invoke();
                    return;
                }
            }
        }
        catch (Exception)
        {
            // Whatever it was, the connection is of no more use; what was not answered is asked again.
        }

        Close();
        Break();
    }

    private bool TryEndFlush(out TaskCompletionSource? drained, out bool isAwaited)
    {
        lock (_sync)
        {
            (drained, isAwaited) = (null, false);
            if (_waitingBytes > 0 && !_isClosed)
            {
                var length = Math.Min(_waitingBytes, PipeBytes);
                pipe.Write(_waiting.AsSpan(_waitingStart, length));
                (_waitingStart, _waitingBytes) = (_waitingStart + length, _waitingBytes - length);
                if (_waitingBytes == 0)
                    Release();
                return false;
            }

            _isFlushing = false;
            (drained, _drained) = (_drained, null);
            (isAwaited, _isAwaited) = (_isAwaited, false);
            return true;
        }
    }

    private void Break()
    {
        var broken = Broken;
        Broken = null;
        broken?.Invoke();
    }

    private bool TryMakeRoom(int bytes)
    {
        if (_waiting.Length - _waitingStart - _waitingBytes >= bytes)
            return true;
        var needed = (long)_waitingBytes + bytes;
        var grown = _waiting;
        if (needed > _waiting.Length)
        {
            if (needed > MostBytes)
                return false;
            var length = Math.Max(FirstBytes, (int)BitOperations.RoundUpToPowerOf2((uint)needed));
            if (!budget.TryTake(_takenBytes, length - _takenBytes))
                return false;
            _takenBytes = length;
            grown = ArrayPool<byte>.Shared.Rent(length);
        }

        _waiting.AsSpan(_waitingStart, _waitingBytes).CopyTo(grown);
        if (grown != _waiting && _waiting.Length > 0)
            ArrayPool<byte>.Shared.Return(_waiting);
        (_waiting, _waitingStart) = (grown, 0);
        return true;
    }

    private void Release()
    {
        if (_waiting.Length > 0)
            ArrayPool<byte>.Shared.Return(_waiting);
        budget.Return(_takenBytes);
        (_waiting, _waitingStart, _waitingBytes, _takenBytes) = ([], 0, 0, 0);
    }
}
