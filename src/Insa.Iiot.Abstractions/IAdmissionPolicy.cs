namespace Insa.Iiot;

/// <summary>Says whether a message may come in before it is decoded: tenant active, quota, rate. On the hot path: must not block, allocate or throw.</summary>
public interface IAdmissionPolicy
{
    /// <summary>Decides on one message of <paramref name="payloadBytes"/> bytes.</summary>
    AdmissionDecision Admit(DeviceSession session, int payloadBytes);
}
