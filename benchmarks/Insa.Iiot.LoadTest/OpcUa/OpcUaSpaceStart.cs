namespace Insa.Iiot.LoadTest.OpcUa;

/// <summary>One start of a server whose tenant is large.</summary>
/// <param name="ListeningMilliseconds">From the start of the process until the server listens.</param>
/// <param name="SignedInMilliseconds">From then on until a user of the tenant is signed in, for which its space has to be there.</param>
/// <param name="AnsweredMilliseconds">From then on until the nodes of a device are browsed and its values are read.</param>
/// <param name="AllMilliseconds">All of it.</param>
/// <param name="ResidentMebibytes">The resident size then.</param>
/// <param name="PeakMebibytes">The largest resident size, a comparison of the space with the store included.</param>
internal sealed record OpcUaSpaceStart(
    double ListeningMilliseconds,
    double SignedInMilliseconds,
    double AnsweredMilliseconds,
    double AllMilliseconds,
    double ResidentMebibytes,
    double PeakMebibytes
);
